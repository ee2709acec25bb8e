// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What a packet must look like after a program, byte for byte, written down from RFC 7348, 6040 and
 * 1624. UDP source ports are free within their range, and a checksum may have either of its two
 * forms of zero.
 */
final class OutputOracle {
  private static final int ETHERNET = 14;

  /** Containers' and their host ends' addresses in {@link PacketWorld}. */
  private static final byte[] TO_1_3 = hex("020000000103" + "02ff00000103");

  private static final byte[] TO_2_4 = hex("020000000204" + "02ff00000204");
  private static final byte[] MAGIC = hex("54525643"); // STRIPPED_MAGIC, little-endian

  /** struct stripped of bpf/src/xdp.h. */
  private static final int MARK_BYTES = 12;

  /** What stands in front of an encapsulated packet, up to the inner type, lengths still zero. */
  private static final String OUTER_IPV4 =
      "000000000000" + "000000000000" + "0800" + "45000000" + "00004000" + "40110000" + "0a110202";

  private static final String OUTER_IPV6 =
      "000000000000"
          + "000000000000"
          + "86dd"
          + "60000000"
          + "00001140"
          + "fd000017000000000000000000000002"
          + "fd000018000000000000000000000002";
  private static final String TUNNEL =
      "000012b500000000" + "0800000000000100" + "02aa00000002" + "02aa00000001";

  static int action(Verdict verdict) {
    if (verdict.isDrop()) {
      return 2; // TC_ACT_SHOT
    }
    return verdict == Verdict.PASSED || verdict == Verdict.SLOW_PATH ? -1 : 7; // UNSPEC, REDIRECT
  }

  /** What is wrong with a packet after a program; empty when nothing is. */
  Optional<String> complaint(FuzzWorld.Program program, Verdict verdict, byte[] in, byte[] out) {
    if (verdict.isDrop()) {
      return Optional.empty();
    }
    if (tagsGo(program, in) && TagOracle.of(in).plain().isEmpty()) {
      return Optional.empty(); // BPF_PROG_TEST_RUN shows no tag that the kernel has taken off
    }
    byte[] expected = expected(program, verdict, in);
    byte[] seen = out;
    int checksumAt = ETHERNET + 10;
    if (verdict == Verdict.ENCAPSULATED) {
      boolean v4 = expected[12] == 0x08;
      int udp = v4 ? 34 : 54;
      if (out.length != expected.length || PacketOracle.u16(out, udp) < 49152) {
        return Optional.of("length or source port is wrong: " + text(out));
      }
      seen = out.clone();
      seen[udp] = 0;
      seen[udp + 1] = 0;
      checksumAt = udp + 8 + 8 + ETHERNET + 10;
    }
    if (program == FuzzWorld.Program.FROM_HOST && verdict == Verdict.SLOW_PATH) {
      System.arraycopy(expected, 0, seen, 0, 12); // the device's Ethernet header: use_device()
    }
    return sameButChecksumForm(expected, seen, checksumAt)
        ? Optional.empty()
        : Optional.of(
            verdict + " made " + text(seen) + "%n  not       ".formatted() + text(expected));
  }

  private static boolean tagsGo(FuzzWorld.Program program, byte[] frame) {
    return program == FuzzWorld.Program.FROM_UNDERLAY && PacketOracle.toHost(frame);
  }

  /** The packet as it must come out, source port 0. */
  byte[] expected(FuzzWorld.Program program, Verdict verdict, byte[] frame) {
    byte[] in = tagsGo(program, frame) ? TagOracle.of(frame).plain().orElse(frame) : frame;
    int hops = program == FuzzWorld.Program.FROM_HOST ? 0 : 1; // there the stack has spent it
    return switch (verdict) {
      case DELIVERED_LOCALLY, RECEIVED_DIRECTLY -> delivered(in, TO_1_3, hops);
      case ROUTED_DIRECTLY -> hopsLess(in, hops);
      case ENCAPSULATED -> encapsulated(hopsLess(in, hops));
      case DECAPSULATED ->
          program == FuzzWorld.Program.FROM_TUNNEL ? delivered(in, macs(in), 1) : decapsulated(in);
      default -> in.clone();
    };
  }

  private static byte[] encapsulated(byte[] in) {
    boolean innerV4 = in[12] == 0x08;
    boolean toSix = innerV4 ? in[32] == 6 : in[38 + 5] == 6; // 10.244.6.4, fd00:244:6::
    byte[] outer = toSix ? hex(OUTER_IPV6 + TUNNEL) : hex(OUTER_IPV4 + "0a120202" + TUNNEL);
    byte[] out = new byte[outer.length + in.length - 12];
    System.arraycopy(outer, 0, out, 0, outer.length);
    System.arraycopy(in, 12, out, outer.length, in.length - 12);
    int ecn = innerV4 ? in[15] & 3 : in[15] >> 4 & 3;
    ByteBuffer fields = ByteBuffer.wrap(out);
    int udp = toSix ? 54 : 34;
    fields.putShort(udp + 4, (short) (out.length - udp));
    if (toSix) {
      out[15] |= (byte) (ecn << 4);
      fields.putShort(18, (short) (out.length - udp));
    } else {
      out[15] |= (byte) ecn;
      fields.putShort(16, (short) (out.length - ETHERNET));
      fields.putShort(24, (short) ~sum(out, 14, 34));
    }
    return out;
  }

  private static byte[] decapsulated(byte[] in) {
    boolean outerV4 = in[12] == 0x08;
    int start = outerV4 ? 50 : 70;
    byte[] inner = Arrays.copyOfRange(in, start, in.length);
    int outerEcn = outerV4 ? in[15] & 3 : in[15] >> 4 & 3;
    return delivered(congested(inner, outerEcn), macs(inner), 1);
  }

  /** RFC 6040, figure 4. */
  private static byte[] congested(byte[] frame, int outer) {
    boolean v4 = frame[12] == 0x08;
    int inner = v4 ? frame[15] & 3 : frame[15] >> 4 & 3;
    int result = inner;
    if (inner != 0 && outer == 3) {
      result = 3;
    } else if (inner == 2 && outer == 1) {
      result = 1;
    }
    byte[] out = frame.clone();
    out[15] = (byte) (v4 ? (frame[15] & ~3) | result : (frame[15] & ~0x30) | (result << 4));
    return v4 ? adjusted(frame, out, 14) : out;
  }

  private static byte[] macs(byte[] frame) {
    boolean toTwo = frame[12] == 0x08 && frame[32] == 2;
    return toTwo ? TO_2_4 : TO_1_3;
  }

  private static byte[] delivered(byte[] frame, byte[] macs, int hops) {
    byte[] out = hopsLess(frame, hops);
    System.arraycopy(macs, 0, out, 0, 12);
    return out;
  }

  private static byte[] hopsLess(byte[] frame, int hops) {
    byte[] out = frame.clone();
    boolean v4 = frame[12] == 0x08;
    out[v4 ? 22 : 21] -= (byte) hops;
    return v4 ? adjusted(frame, out, 22) : out;
  }

  /** Carries the change of one 16-bit word over into the checksum (RFC 1624, equation 3). */
  private static byte[] adjusted(byte[] before, byte[] after, int wordAt) {
    int sum =
        (~PacketOracle.u16(before, 24) & 0xffff)
            + (~PacketOracle.u16(before, wordAt) & 0xffff)
            + PacketOracle.u16(after, wordAt);
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    ByteBuffer.wrap(after).putShort(24, (short) ~sum);
    return after;
  }

  private static int sum(byte[] bytes, int from, int to) {
    int sum = 0;
    for (int i = from; i < to; i += 2) {
      sum += PacketOracle.u16(bytes, i);
    }
    sum = (sum & 0xffff) + (sum >>> 16);
    return (sum & 0xffff) + (sum >>> 16);
  }

  /** Whether the outer ECN field of a tunnel packet is tc's business, and not XDP's. */
  static boolean ecnMatters(byte[] packet) {
    boolean outerV4 = packet[12] == 0x08;
    int outer = outerV4 ? packet[15] & 3 : packet[15] >> 4 & 3;
    int ip = outerV4 ? 64 : 84;
    int inner = packet[ip - 2] == 0x08 ? packet[ip + 1] & 3 : packet[ip + 1] >> 4 & 3;
    return outer == 3 || (outer == 1 && inner == 2);
  }

  /** What XDP left behind its mark; empty when there is no mark. */
  static Optional<byte[]> withoutMark(byte[] after) {
    return Arrays.equals(after, 0, 4, MAGIC, 0, 4)
        ? Optional.of(Arrays.copyOfRange(after, MARK_BYTES, after.length))
        : Optional.empty();
  }

  /** The VNI in XDP's mark. */
  static int vni(byte[] after) {
    return ByteBuffer.wrap(after).getInt(4);
  }

  /** Equal, when 0x0000 and 0xffff count as one at the inner checksum (of IPv4; of none else). */
  static boolean sameButChecksumForm(byte[] a, byte[] b, int checksumAt) {
    if (a.length != b.length) {
      return false;
    }
    byte[] left = a.clone();
    byte[] right = b.clone();
    int type = checksumAt - 12;
    if (left[type] == 0x08 && left.length >= checksumAt + 2) {
      for (byte[] each : new byte[][] {left, right}) {
        if (PacketOracle.u16(each, checksumAt) == 0xffff) {
          each[checksumAt] = 0;
          each[checksumAt + 1] = 0;
        }
      }
    }
    return Arrays.equals(left, right);
  }

  private static String text(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text);
  }
}
