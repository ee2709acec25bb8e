// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.Objects;

/**
 * The first step from this host to a VTEP, as the kernel's routing says now.
 *
 * @param interfaceIndex the underlay interface
 * @param source the underlay address that packets leave with
 * @param gateway a router on the link, or the VTEP itself when it is on the link
 * @param mtuBytes the largest outer IP packet that the interface or route takes
 * @param onLink whether the VTEP is on the same link, so that no router lies between
 */
public record NextHop(
    int interfaceIndex, InetAddress source, InetAddress gateway, int mtuBytes, boolean onLink) {
  /** Checks that all is there. */
  public NextHop {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(gateway, "gateway");
  }
}
