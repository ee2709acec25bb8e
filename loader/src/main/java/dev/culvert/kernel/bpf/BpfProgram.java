// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Objects;

/** A program that the verifier accepted. Methods may be called from any thread. */
public final class BpfProgram implements AutoCloseable {
  /**
   * As the kernel tells it (BPF_OBJ_GET_INFO_BY_FD).
   *
   * @param id unique among all programs that are loaded now
   * @param name at most 15 characters
   * @param type as in linux/bpf.h
   * @param tag 16 hexadecimal digits, the same as bpftool prints
   * @param translatedBytes of BPF instructions, as the verifier left them
   * @param jitedBytes of the machine's instructions; 0 without JIT
   * @param runTimeNs total over all CPUs; grows only while statistics are on ({@link
   *     RunStatistics})
   * @param runCount likewise
   */
  public record Info(
      int id,
      String name,
      int type,
      String tag,
      int translatedBytes,
      int jitedBytes,
      long runTimeNs,
      long runCount) {
    /** Checks that all is there. */
    public Info {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(tag, "tag");
    }
  }

  /**
   * What BPF_PROG_TEST_RUN gave.
   *
   * @param returnValue the program's, such as TC_ACT_OK or XDP_PASS
   * @param packet as the program left it, from the Ethernet header on
   * @param durationNs mean time for one run
   */
  @SuppressWarnings(
      "ArrayRecordComponent") // A packet is bytes; two runs are not compared as a whole.
  public record TestRun(int returnValue, byte[] packet, int durationNs) {
    /** Checks that all is there. */
    public TestRun {
      Objects.requireNonNull(packet, "packet");
    }
  }

  // Room for what a program may put before the packet; far more than any encapsulation.
  private static final int GROWTH_BYTES = 4096;
  private static final int RETRIES = 100;

  private final Bpf bpf;
  private final FileDescriptor fd;
  private final String name;

  BpfProgram(Bpf bpf, FileDescriptor fd, String name) {
    this.bpf = bpf;
    this.fd = fd;
    this.name = name;
  }

  /**
   * Opens a pinned program.
   *
   * @param libc the way to the kernel
   * @param pin its file below a bpf file system
   * @return the caller's to close; the pin stays
   * @throws KernelException when there is none, or it is no program
   */
  public static BpfProgram openPinned(Libc libc, Path pin) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(pin, "pin");
    Bpf bpf = new Bpf(libc);
    return Pinned.open(
        bpf,
        pin,
        Pinned.Kind.PROGRAM,
        fd -> new BpfProgram(bpf, fd, readInfo(bpf, fd, pin.toString()).name()));
  }

  /**
   * Opens a loaded program by its id.
   *
   * @throws KernelException when there is none
   */
  static BpfProgram openId(Bpf bpf, int id) {
    int result = bpf.progFdById(id);
    if (result < 0) {
      throw BpfErrors.of("BPF_PROG_GET_FD_BY_ID", "program id " + id, result);
    }
    return new FileDescriptor(bpf.libc(), result)
        .handTo(fd -> new BpfProgram(bpf, fd, readInfo(bpf, fd, "program id " + id).name()));
  }

  /**
   * {@return its name as the object file has it, or, for a program opened by its pin, the first 15
   * characters of that}
   */
  public String name() {
    return name;
  }

  /**
   * {@return the descriptor's number, valid until {@link #close()}, which closes it}
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public int fd() {
    return fd.number();
  }

  /**
   * Asks the kernel (BPF_OBJ_GET_INFO_BY_FD).
   *
   * @return what it says now
   * @throws KernelException when the kernel refuses
   */
  public Info info() {
    return readInfo(bpf, fd, target());
  }

  private static Info readInfo(Bpf bpf, FileDescriptor fd, String target) {
    return bpf.info(fd, target, BpfInfo.Program.LAYOUT, BpfProgram::toInfo);
  }

  private static Info toInfo(MemorySegment info) {
    return new Info(
        (int) BpfInfo.Program.ID.get(info, 0),
        info.getString(BpfInfo.Program.NAME.offsetBytes()),
        (int) BpfInfo.Program.TYPE.get(info, 0),
        HexFormat.of().formatHex(BpfInfo.Program.TAG.bytes(info, 0)),
        (int) BpfInfo.Program.TRANSLATED_BYTES.get(info, 0),
        (int) BpfInfo.Program.JITED_BYTES.get(info, 0),
        BpfInfo.Program.RUN_TIME_NS.get(info, 0),
        BpfInfo.Program.RUN_COUNT.get(info, 0));
  }

  /**
   * Keeps the program alive without us.
   *
   * @param path below a bpf file system; its folder exists
   * @throws KernelException when the kernel refuses
   */
  public void pin(Path path) {
    Objects.requireNonNull(path, "path");
    int result = bpf.pin(fd(), path.toString());
    if (result < 0) {
      throw BpfErrors.pin(target(), path.toString(), result);
    }
  }

  /**
   * Runs the program on a packet, without any interface.
   *
   * @param packet from the Ethernet header on
   * @param context the first bytes of struct __sk_buff or struct xdp_md, or empty for none
   * @param repeat how often, 1 or more; the duration is the mean
   * @return what the last run gave
   * @throws KernelException when the kernel refuses
   */
  public TestRun testRun(byte[] packet, byte[] context, int repeat) {
    Objects.requireNonNull(packet, "packet");
    Objects.requireNonNull(context, "context");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(packet.length + GROWTH_BYTES, 8);
      Bpf.TestInput input =
          new Bpf.TestInput(copy(arena, packet), copy(arena, context), out, repeat, 0);
      Bpf.TestOutput output = bpf.testRun(fd(), input);
      // A signal of the JVM's own ends a long run.
      for (int i = 0; i < RETRIES && output.result() == -Errno.EINTR.number(); i++) {
        output = bpf.testRun(fd(), input);
      }
      if (output.result() < 0) {
        throw testRunFailed(packet.length, output.result());
      }
      byte[] after = out.asSlice(0, output.outBytes()).toArray(JAVA_BYTE);
      return new TestRun(output.returnValue(), after, output.durationNs());
    }
  }

  Bpf.TestOutput run(Bpf.TestInput input) {
    return bpf.testRun(fd(), input);
  }

  private KernelException testRunFailed(int packetBytes, int result) {
    if (result == -Errno.EINVAL.number()) {
      return new KernelException(
          "BPF_PROG_TEST_RUN",
          target(),
          -result,
          "the kernel takes packets from 14 bytes to about one page (this one has "
              + packetBytes
              + "), and only some fields of the context may be set");
    }
    return BpfErrors.of("BPF_PROG_TEST_RUN", target(), result);
  }

  private static MemorySegment copy(Arena arena, byte[] bytes) {
    MemorySegment segment = arena.allocate(bytes.length, 8);
    MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 0, bytes.length);
    return segment;
  }

  @Override
  public void close() {
    fd.close();
  }

  @Override
  public String toString() {
    return target();
  }

  private String target() {
    return "program " + name;
  }
}
