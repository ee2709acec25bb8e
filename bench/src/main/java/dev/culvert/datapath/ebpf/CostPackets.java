// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.nio.ByteBuffer;

/**
 * The packets that are measured, one for each way through the programs; see {@link CostWorld} for
 * who is who. All are UDP with TTL 64, to the loopback device's MAC.
 *
 * @param bytes size of the IP packet
 * @param remote to a container of another host; on a round trip it comes back to one of ours
 * @param local to a container of this host
 * @param sentDirectly to a host on the same link
 * @param receivedDirectly from there
 * @param encapsulated {@code remote}, within its outer headers
 */
@SuppressWarnings("ArrayRecordComponent") // Packets are bytes, and are not compared.
record CostPackets(
    int bytes,
    byte[] remote,
    byte[] local,
    byte[] sentDirectly,
    byte[] receivedDirectly,
    byte[] encapsulated) {
  private static final int ETHERNET_BYTES = 14;
  private static final int IPV4_BYTES = 20;
  private static final int UDP = 17;
  private static final int SENDER = 0xac1e_0102;

  static CostPackets of(int bytes) {
    byte[] remote = packet(bytes, SENDER, 0x0a00_0004);
    return new CostPackets(
        bytes,
        remote,
        packet(bytes, SENDER, 0xac1e_0203),
        packet(bytes, SENDER, 0xac1e_0304),
        packet(bytes, 0xac1e_0304, 0xac1e_0203),
        encapsulated(remote));
  }

  private static byte[] packet(int ipBytes, int from, int to) {
    ByteBuffer out = ByteBuffer.allocate(ETHERNET_BYTES + ipBytes);
    out.put(new byte[6]).put(CostWorld.CONTAINER.toBytes()).putShort((short) 0x0800);
    out.putShort((short) 0x4500).putShort((short) ipBytes).putInt(0);
    out.putInt((64 << 24) | (UDP << 16)).putInt(from).putInt(to);
    out.putShort(ETHERNET_BYTES + 10, checksum(out, ETHERNET_BYTES));
    out.putShort((short) 40000).putShort((short) 9).putShort((short) (ipBytes - IPV4_BYTES));
    return out.array();
  }

  private static short checksum(ByteBuffer from, int offset) {
    int sum = 0;
    for (int i = offset; i < offset + IPV4_BYTES; i += 2) {
      sum += from.getShort(i) & 0xffff;
    }
    sum = (sum & 0xffff) + (sum >>> 16);
    return (short) ~(sum + (sum >>> 16));
  }

  private static byte[] encapsulated(byte[] packet) {
    byte[] outer = CostWorld.outerHeaders();
    int innerBytes = packet.length - ETHERNET_BYTES;
    ByteBuffer out = ByteBuffer.allocate(outer.length + innerBytes);
    out.put(outer).put(packet, ETHERNET_BYTES, innerBytes);
    int ipBytes = out.capacity() - ETHERNET_BYTES;
    out.putShort(ETHERNET_BYTES + 2, (short) ipBytes);
    out.putShort(ETHERNET_BYTES + 10, (short) 0);
    out.putShort(ETHERNET_BYTES + 10, checksum(out, ETHERNET_BYTES));
    out.putShort(ETHERNET_BYTES + IPV4_BYTES, (short) 50000);
    out.putShort(ETHERNET_BYTES + IPV4_BYTES + 4, (short) (ipBytes - IPV4_BYTES));
    return out.array();
  }
}
