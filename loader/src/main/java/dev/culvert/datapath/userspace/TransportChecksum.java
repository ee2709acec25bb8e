// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.packet.InternetChecksum;

/** What the checksum of a received TCP or UDP packet is worth. */
enum TransportChecksum {
  /** It is that of the bytes. */
  VALID,
  /**
   * It is the pseudo header's sum alone: nobody has computed it yet. No wire carries such packets,
   * but a veth passes them on as the sender's kernel left them, in a tunnel too, and a UDP socket
   * shows the bytes as they are.
   */
  PARTIAL,
  /** There is none (UDP over IPv4), or it is wrong, or the packet is neither TCP nor UDP. */
  NONE;

  static TransportChecksum of(InnerPacket packet) {
    if (!packet.isTcp() && !packet.isUdp()) {
      return NONE;
    }
    int field = packet.bytes.getShort(packet.transport() + packet.checksumOffset()) & 0xffff;
    if (field == 0 && packet.protocol == InnerPacket.UDP) {
      return NONE;
    }
    long pseudo = packet.pseudoHeader(packet.transportBytes());
    if (InternetChecksum.fold(pseudo) == field) {
      return PARTIAL;
    }
    long sum =
        pseudo + InternetChecksum.sum(packet.bytes, packet.transport(), packet.transportBytes());
    return InternetChecksum.fold(sum) == 0xffff ? VALID : NONE;
  }
}
