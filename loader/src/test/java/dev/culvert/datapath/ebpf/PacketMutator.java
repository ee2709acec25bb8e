// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes packets that nobody would send, from packets that somebody would. */
final class PacketMutator {
  /** Values at which comparisons turn. */
  private static final int[] EDGES = {0, 1, 2, 7, 8, 19, 20, 21, 27, 28, 40, 63, 64, 127, 128, 255};

  /** Addresses that the tables of the test know, and one that they do not. */
  private static final List<byte[]> ADDRESSES =
      List.of(
              "10.244.1.1",
              "10.244.1.2",
              "10.244.1.3",
              "10.244.2.4",
              "10.244.3.4",
              "10.244.4.4",
              "10.244.6.4",
              "10.17.2.2",
              "10.18.2.2",
              "10.17.2.3",
              "10.19.2.2",
              "192.0.2.1",
              "fd00:244:1::2",
              "fd00:244:1::3",
              "fd00:244:2::4",
              "fd00:244:6::4",
              "fd00:18::2",
              "fe80::2")
          .stream()
          .map(text -> WorldTables.address(text).getAddress())
          .toList();

  /** Where IP headers begin: outermost, and inner behind either underlay. */
  private static final int[] HEADERS = {14, 14, 64, 84};

  private final Random random;
  private final List<byte[]> seeds;

  PacketMutator(Random random, List<byte[]> seeds) {
    this.random = random;
    this.seeds = seeds;
  }

  byte[] next() {
    if (random.nextInt(64) == 0) {
      return garbage();
    }
    byte[] packet = seeds.get(random.nextInt(seeds.size())).clone();
    for (int changes = random.nextInt(4); changes >= 0; changes--) {
      packet = change(packet);
    }
    return packet;
  }

  private byte[] garbage() {
    byte[] packet = new byte[14 + random.nextInt(200)];
    random.nextBytes(packet);
    if (random.nextBoolean()) {
      Arrays.fill(packet, 0, 6, (byte) 0);
      boolean v6 = random.nextBoolean();
      packet[12] = (byte) (v6 ? 0x86 : 0x08);
      packet[13] = (byte) (v6 ? 0xdd : 0x00);
    }
    return packet;
  }

  private byte[] change(byte[] packet) {
    switch (random.nextInt(9)) {
      case 0 -> packet[random.nextInt(packet.length)] = (byte) random.nextInt();
      case 1 -> packet[random.nextInt(packet.length)] = (byte) EDGES[random.nextInt(EDGES.length)];
      case 2 -> packet[random.nextInt(packet.length)] ^= (byte) (1 << random.nextInt(8));
      case 3 -> {
        return Arrays.copyOf(packet, 14 + random.nextInt(packet.length - 13));
      }
      case 4 -> {
        return Arrays.copyOf(packet, packet.length + random.nextInt(64));
      }
      case 5 -> headerField(packet);
      case 6 -> address(packet);
      case 7 -> length(packet);
      default -> {
        return splice(packet);
      }
    }
    return packet;
  }

  private void headerField(byte[] packet) {
    int at = HEADERS[random.nextInt(HEADERS.length)] + random.nextInt(10);
    if (at < packet.length) {
      packet[at] =
          (byte) (random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextInt());
    }
  }

  private void address(byte[] packet) {
    byte[] address = ADDRESSES.get(random.nextInt(ADDRESSES.size()));
    int header = HEADERS[random.nextInt(HEADERS.length)];
    int at = header + (address.length == 4 ? 12 : 8) + (random.nextBoolean() ? 0 : address.length);
    if (at + address.length <= packet.length) {
      System.arraycopy(address, 0, packet, at, address.length);
    }
  }

  /** A length field that is a little off: of either IP version, or of UDP. */
  private void length(byte[] packet) {
    int header = HEADERS[random.nextInt(HEADERS.length)];
    int at = header + new int[] {2, 4, 24, 44}[random.nextInt(4)];
    if (at + 2 <= packet.length) {
      ByteBuffer fields = ByteBuffer.wrap(packet);
      fields.putShort(at, (short) (fields.getShort(at) + random.nextInt(9) - 4));
    }
  }

  /** The head of one packet and the tail of another. */
  private byte[] splice(byte[] packet) {
    byte[] other = seeds.get(random.nextInt(seeds.size()));
    int cut = Math.min(packet.length, other.length) - 1;
    int at = 1 + random.nextInt(cut);
    byte[] spliced = other.clone();
    System.arraycopy(packet, 0, spliced, 0, at);
    return spliced;
  }
}
