// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;

/**
 * One container interface of this host.
 *
 * @param interfaceIndex the host's end
 * @param peer whether the host's end is a veth with its other end in the container, so that packets
 *     can be put straight into the container's namespace
 * @param mac the container's end
 * @param hostMac the host's end
 */
public record Endpoint(
    Vni vni,
    InetAddress address,
    int interfaceIndex,
    boolean peer,
    MacAddress mac,
    MacAddress hostMac) {}
