// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.Objects;

/**
 * A host's tunnel end.
 *
 * @param address its underlay address
 * @param port its UDP port
 * @param mac the inner destination MAC that it accepts
 */
public record Vtep(InetAddress address, int port, MacAddress mac) {
  /** The UDP port that IANA gave to VXLAN (RFC 7348 section 5). */
  public static final int VXLAN_PORT = 4789;

  /**
   * Checks address and port.
   *
   * @throws IllegalArgumentException for an address that no host can have, or no port
   */
  public Vtep {
    Objects.requireNonNull(address, "address");
    if (address.isAnyLocalAddress()
        || address.isMulticastAddress()
        || address.isLoopbackAddress()) {
      throw new IllegalArgumentException(
          IpAddresses.text(address) + " cannot be the underlay address of a host.");
    }
    requirePort(port);
  }

  /**
   * The same port, if it is one.
   *
   * @param port of UDP
   * @return {@code port}
   * @throws IllegalArgumentException outside 1-65535
   */
  public static int requirePort(int port) {
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("The UDP port " + port + " is outside 1-65535.");
    }
    return port;
  }

  @Override
  public String toString() {
    return IpAddresses.withPort(address, port) + " (" + mac + ")";
  }
}
