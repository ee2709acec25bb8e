// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Runs programs on one packet after the other (BPF_PROG_TEST_RUN), always in the same native
 * memory: for tests with millions of packets. Belongs to one thread.
 */
public final class TestRunner implements AutoCloseable {
  private static final int RETRIES = 100;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment in;
  private final MemorySegment out;
  private final MemorySegment context;
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

  /** The context of the runs to come. A program's changes do not come back here. */
  public MemorySegment context() {
    return context;
  }

  /**
   * Runs a program once.
   *
   * @return false when the kernel takes no such packet: one that ends within its outermost IP
   *     header, mostly
   * @throws KernelException when it refuses for another reason
   */
  public boolean run(BpfProgram program, byte[] packet) {
    MemorySegment.copy(packet, 0, in, JAVA_BYTE, 0, packet.length);
    last = program.run(new Bpf.TestInput(in.asSlice(0, packet.length), context, out, 1));
    for (int i = 0; i < RETRIES && last.result() == -Errno.EINTR.number(); i++) {
      last = program.run(new Bpf.TestInput(in.asSlice(0, packet.length), context, out, 1));
    }
    if (last.result() < 0 && last.result() != -Errno.EINVAL.number()) {
      throw BpfErrors.of("BPF_PROG_TEST_RUN", "program " + program.name(), last.result());
    }
    return last.result() >= 0;
  }

  /** What the program returned. */
  public int returnValue() {
    return last.returnValue();
  }

  /** The packet as the program left it. */
  public byte[] packet() {
    return out.asSlice(0, last.outBytes()).toArray(JAVA_BYTE);
  }

  @Override
  public void close() {
    arena.close();
  }
}
