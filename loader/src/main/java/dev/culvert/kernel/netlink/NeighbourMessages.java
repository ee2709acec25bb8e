// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.net.InetAddress;
import java.util.Optional;

/** RTM_*NEIGH: ARP and NDP entries, and a VXLAN device's FDB (linux/neighbour.h). Pure. */
final class NeighbourMessages {
  /** struct ndmsg: family, pad (3), index (4), state (2), flags, type. */
  private static final int HEADER_BYTES = 12;

  private static final int AF_BRIDGE = 7;
  private static final int NTF_SELF = 2;
  private static final int NUD_NOARP = 0x40;
  private static final int NDA_DST = 1;
  private static final int NDA_LLADDR = 2;
  private static final int REPLACE =
      NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE;

  private NeighbourMessages() {}

  static NetlinkMessage dump(int family) {
    return new NetlinkMessage(NetlinkRequest.GETNEIGH, NetlinkMessage.DUMP)
        .u32(family)
        .u32(0)
        .u32(0);
  }

  static NetlinkMessage replace(NeighbourInfo neighbour) {
    return header(
            new NetlinkMessage(NetlinkRequest.NEWNEIGH, REPLACE),
            AddressMessages.family(neighbour.address()),
            neighbour.interfaceIndex(),
            neighbour.state())
        .attribute(NDA_DST, neighbour.address())
        .attribute(NDA_LLADDR, LinkMessages.requireMac(neighbour.mac()));
  }

  static NetlinkMessage remove(int interfaceIndex, InetAddress address) {
    return header(
            new NetlinkMessage(NetlinkRequest.DELNEIGH, NetlinkMessage.ACK),
            AddressMessages.family(address),
            interfaceIndex,
            Netlink.NEIGHBOUR_PERMANENT)
        .attribute(NDA_DST, address);
  }

  static NetlinkMessage replaceForwarding(int interfaceIndex, byte[] mac, InetAddress vtep) {
    return forwarding(
        new NetlinkMessage(NetlinkRequest.NEWNEIGH, REPLACE), interfaceIndex, mac, vtep);
  }

  static NetlinkMessage removeForwarding(int interfaceIndex, byte[] mac, InetAddress vtep) {
    return forwarding(
        new NetlinkMessage(NetlinkRequest.DELNEIGH, NetlinkMessage.ACK), interfaceIndex, mac, vtep);
  }

  private static NetlinkMessage forwarding(
      NetlinkMessage message, int interfaceIndex, byte[] mac, InetAddress vtep) {
    return message
        .u32(AF_BRIDGE)
        .u32(interfaceIndex)
        .u16(Netlink.NEIGHBOUR_PERMANENT | NUD_NOARP)
        .u8(NTF_SELF)
        .u8(0)
        .attribute(NDA_LLADDR, LinkMessages.requireMac(mac))
        .attribute(NDA_DST, vtep);
  }

  private static NetlinkMessage header(NetlinkMessage message, int family, int index, int state) {
    return message.u32(family).u32(index).u16(state).u8(0).u8(0);
  }

  /** Empty for an entry without an address. */
  static Optional<NeighbourInfo> parse(NetlinkReply reply) {
    NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
    return attributes
        .address(NDA_DST)
        .map(address ->
            new NeighbourInfo(reply.s32(4), address, attributes.bytes(NDA_LLADDR), reply.u16(8)));
  }
}
