// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Runs programs on one packet after the other (BPF_PROG_TEST_RUN), always in the same native
 * memory: for tests with millions of packets. Belongs to one thread.
 */
public final class TestRunner implements AutoCloseable {
  private static final int RETRIES = 100;

  /** BPF_F_TEST_SKB_CHECKSUM_COMPLETE, linux/bpf.h. */
  private static final int CHECKSUM_COMPLETE = 4;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment in;
  private final MemorySegment out;
  private final MemorySegment context;
  private int flags;
  private Bpf.TestOutput last = new Bpf.TestOutput(0, 0, 0, 0);

  /**
   * Takes the memory.
   *
   * @param maxBytes of a packet, before and after a program
   * @param contextBytes of struct __sk_buff or struct xdp_md; 0 for none
   */
  public TestRunner(int maxBytes, int contextBytes) {
    in = arena.allocate(maxBytes, 8);
    out = arena.allocate(maxBytes, 8);
    context = arena.allocate(contextBytes, 8);
  }

  /**
   * {@return the context of the runs to come, for the caller to write until this is closed} A
   * program's changes do not come back here.
   */
  public MemorySegment context() {
    return context;
  }

  /**
   * Whether runs to come give the program a packet that a NIC has summed up (CHECKSUM_COMPLETE).
   * The sum must still be the packet's afterwards: a run after which it is not is refused with
   * EBADMSG. For tc programs, since Linux 6.17.
   *
   * @param sum false until it is set
   */
  public void sumPackets(boolean sum) {
    flags = sum ? CHECKSUM_COMPLETE : 0;
  }

  /**
   * Runs a program once.
   *
   * @param program any that is open
   * @param packet from the Ethernet header on, not longer than what memory was taken for
   * @return false when the kernel takes no such packet: one that ends within its outermost IP
   *     header, mostly
   * @throws KernelException when it refuses for another reason
   */
  public boolean run(BpfProgram program, byte[] packet) {
    MemorySegment.copy(packet, 0, in, JAVA_BYTE, 0, packet.length);
    Bpf.TestInput input = new Bpf.TestInput(in.asSlice(0, packet.length), context, out, 1, flags);
    last = program.run(input);
    for (int i = 0; i < RETRIES && last.result() == -Errno.EINTR.number(); i++) {
      last = program.run(input);
    }
    if (last.result() < 0 && last.result() != -Errno.EINVAL.number()) {
      throw BpfErrors.of("BPF_PROG_TEST_RUN", "program " + program.name(), last.result());
    }
    return last.result() >= 0;
  }

  /** {@return what the program returned in the last run; 0 before the first} */
  public int returnValue() {
    return last.returnValue();
  }

  /** {@return a copy of the packet as the program left it in the last run} */
  public byte[] packet() {
    return out.asSlice(0, last.outBytes()).toArray(JAVA_BYTE);
  }

  @Override
  public void close() {
    arena.close();
  }
}
