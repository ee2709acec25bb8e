// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.host.NetNamespace;

/**
 * A veth end to create.
 *
 * @param name of the end in its namespace
 * @param namespaceFd an open namespace ({@link NetNamespace#fd}), or -1 for this one
 * @param mac 6 bytes; empty lets the kernel choose
 * @param mtuBytes 0 lets the kernel choose
 */
@SuppressWarnings("ArrayRecordComponent") // Raw bytes for the kernel; never compared.
public record VethEnd(InterfaceName name, int namespaceFd, byte[] mac, int mtuBytes) {}
