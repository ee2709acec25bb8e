// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

/** RTM_NEWNEIGH: struct ndmsg and its attributes (linux/neighbour.h). Pure. */
final class NeighbourMessages {
  private static final int NUD_PERMANENT = 0x80;
  private static final int NDA_DST = 1;
  private static final int NDA_LLADDR = 2;

  private NeighbourMessages() {}

  static NetlinkMessage replace(NeighbourInfo neighbour) {
    return new NetlinkMessage(
            NetlinkRequest.NEWNEIGH,
            NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE)
        .u32(AddressMessages.family(neighbour.address()))
        .u32(neighbour.interfaceIndex())
        .u16(NUD_PERMANENT)
        .u8(0)
        .u8(0)
        .attribute(NDA_DST, neighbour.address())
        .attribute(NDA_LLADDR, LinkMessages.requireMac(neighbour.mac()));
  }
}
