// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.kernel.socket.TunDevice;
import java.util.function.Supplier;

/**
 * What both directions of a tunnel work with.
 *
 * @param vni the one network
 * @param wireVni what its packets bear
 * @param table gives the one that holds now
 */
record Shared(
    TunDevice tun,
    int vni,
    int wireVni,
    Supplier<ForwardingTable> table,
    VerdictCounters counters) {}
