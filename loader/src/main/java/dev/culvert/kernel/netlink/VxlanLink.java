// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.InterfaceName;
import java.net.InetAddress;

/**
 * A VXLAN device for one network, without learning, as flannel sets it up.
 *
 * @param name of the device
 * @param vni of the network, 24 bits
 * @param local the underlay address that it sends from
 * @param underlayIndex the interface that it sends by; 0 leaves the choice to routing
 * @param port UDP port of the tunnel
 * @param mac 6 bytes; empty lets the kernel choose
 * @param mtuBytes 0 lets the kernel choose
 */
@SuppressWarnings("ArrayRecordComponent") // Raw bytes for the kernel; never compared.
public record VxlanLink(
    InterfaceName name,
    int vni,
    InetAddress local,
    int underlayIndex,
    int port,
    byte[] mac,
    int mtuBytes) {
  /**
   * What else there is to say is left to the kernel.
   *
   * @param name of the device
   * @param vni of the network, 24 bits
   * @param local the underlay address that it sends from
   * @param port UDP port of the tunnel
   * @return the device to create
   */
  public static VxlanLink of(InterfaceName name, int vni, InetAddress local, int port) {
    return new VxlanLink(name, vni, local, 0, port, new byte[0], 0);
  }

  /**
   * {@return the same over one interface}
   *
   * @param otherIndex the interface that it sends by
   */
  public VxlanLink over(int otherIndex) {
    return new VxlanLink(name, vni, local, otherIndex, port, mac, mtuBytes);
  }

  /**
   * {@return the same with a MAC address and an MTU}
   *
   * @param otherMac 6 bytes
   * @param otherMtuBytes the largest inner packet
   */
  public VxlanLink with(byte[] otherMac, int otherMtuBytes) {
    return new VxlanLink(name, vni, local, underlayIndex, port, otherMac, otherMtuBytes);
  }
}
