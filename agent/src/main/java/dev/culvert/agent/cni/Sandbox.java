// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import java.net.InetAddress;
import java.util.List;

/**
 * One interface as its container has it now.
 *
 * @param peerIndex of the other end, in the host's namespace
 * @param routes through it that have a gateway
 */
record Sandbox(
    MacAddress mac,
    int mtuBytes,
    boolean up,
    int peerIndex,
    List<InetAddress> addresses,
    List<Route> routes) {
  /** A route of a container. */
  record Route(IpPrefix destination, InetAddress gateway) {}
}
