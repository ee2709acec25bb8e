// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Verdict;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.bpf.TestRunner;

/** Whether this kernel can hold programs to the sum that a NIC took of a packet. */
final class PacketSums {
  /** Of BPF_F_TEST_SKB_CHECKSUM_COMPLETE. */
  private static final int SINCE_MAJOR = 6;

  private static final int SINCE_MINOR = 17;

  private PacketSums() {}

  /**
   * Tries it.
   *
   * @param program at tc, one that passes the packet on or changes it as it should
   * @throws IllegalStateException when a kernel that is new enough refuses
   */
  static boolean areChecked(BpfProgram program, byte[] packet) {
    try (TestRunner runner = new TestRunner(packet.length + 256, 0)) {
      runner.sumPackets(true);
      if (runner.run(program, packet)) {
        return true;
      }
    }
    String release = System.getProperty("os.version");
    if (isNewEnough(release)) {
      throw new IllegalStateException("Linux " + release + " refuses to sum packets up.");
    }
    System.err.println(
        "SKIPPED: Linux " + release + " cannot hold programs to a packet's sum, 6.17 can.");
    return false;
  }

  /**
   * Whether a packet's sum must be right after a program. What leaves this host is nobody's to
   * verify any more, nor is what was dropped. And BPF_PROG_TEST_RUN sums tagged frames up otherwise
   * than the kernel has them at tc's ingress, where the outermost tag is not in the frame.
   */
  static boolean mustHold(byte[] packet, Verdict verdict) {
    return !verdict.isDrop()
        && verdict != Verdict.ENCAPSULATED
        && verdict != Verdict.ROUTED_DIRECTLY
        && !TagOracle.isTagged(packet);
  }

  private static boolean isNewEnough(String release) {
    String[] parts = release.split("[.-]", -1);
    int major = Integer.parseInt(parts[0]);
    return major > SINCE_MAJOR
        || (major == SINCE_MAJOR && Integer.parseInt(parts[1]) >= SINCE_MINOR);
  }
}
