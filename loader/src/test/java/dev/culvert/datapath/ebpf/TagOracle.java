// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import java.util.Arrays;
import java.util.Optional;

/**
 * What VLAN tags (IEEE 802.1Q) make of a frame, for {@link PacketOracle}: tags of VLAN 0 are no
 * tags, up to four of them.
 *
 * @param plain the frame without its priority tags; empty when a tag decides
 * @param verdict what the tag decides, if it does
 */
@SuppressWarnings("ArrayRecordComponent") // a frame on its way, never compared
record TagOracle(Optional<byte[]> plain, Verdict verdict) {
  private static final int TYPE = 12;
  private static final int TAG_BYTES = 4;
  private static final int TAGGED_HEADER_BYTES = 18;
  private static final int MOST = 4;

  static TagOracle of(byte[] frame) {
    byte[] rest = frame;
    for (int taken = 0; taken < MOST; taken++) {
      if (!isTagged(rest)) {
        return new TagOracle(Optional.of(rest), Verdict.PASSED);
      }
      boolean ofVlan = rest.length >= TYPE + TAG_BYTES && (PacketOracle.u16(rest, 14) & 0xfff) != 0;
      if (ofVlan) {
        return new TagOracle(Optional.empty(), Verdict.PASSED);
      }
      if (isCut(rest)) {
        return new TagOracle(Optional.empty(), Verdict.DROPPED_VLAN);
      }
      rest = withoutTag(rest);
    }
    return isTagged(rest)
        ? new TagOracle(Optional.empty(), Verdict.DROPPED_VLAN)
        : new TagOracle(Optional.of(rest), Verdict.PASSED);
  }

  /** The kernel takes a tag off together with the next, for which the frame must be long enough. */
  private static boolean isCut(byte[] frame) {
    return frame.length < TAGGED_HEADER_BYTES
        || (isTagged(withoutTag(frame)) && frame.length - TAG_BYTES < TAGGED_HEADER_BYTES);
  }

  static boolean isTagged(byte[] frame) {
    int type = PacketOracle.u16(frame, TYPE);
    return type == 0x8100 || type == 0x88a8;
  }

  private static byte[] withoutTag(byte[] frame) {
    byte[] rest = Arrays.copyOf(frame, frame.length - TAG_BYTES);
    System.arraycopy(frame, TYPE + TAG_BYTES, rest, TYPE, rest.length - TYPE);
    return rest;
  }
}
