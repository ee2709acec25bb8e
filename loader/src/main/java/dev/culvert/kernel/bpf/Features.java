// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.Bpf.ProgramLoad;
import dev.culvert.kernel.object.ProgramLinker;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What this kernel can do, found out by trying it; each thing once. Usable from any thread. */
public final class Features {
  /** No interface has it, so nothing is ever attached. */
  private static final int NO_INTERFACE = -1;

  /** {@code r0 = 0; exit}: the shortest program there is. */
  private static final byte[] RETURN_0 = {
    (byte) 0xb7, 0, 0, 0, 0, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0
  };

  private final Libc libc;

  /** Empty until asked. Two threads that ask at once both try, and find the same. */
  private volatile Optional<Boolean> tcx = Optional.empty();

  private Features(Libc libc) {
    this.libc = libc;
  }

  /**
   * {@return what the kernel behind this can do; the real one is tried once for all that ask}
   *
   * @param libc the way to the kernel
   */
  public static Features of(Libc libc) {
    Objects.requireNonNull(libc, "libc");
    return Libc.system().equals(libc) ? OfThisHost.FEATURES : new Features(libc);
  }

  /** Made when first asked for. */
  private static final class OfThisHost {
    static final Features FEATURES = new Features(Libc.system());
  }

  /**
   * {@return whether programs can be attached at tc as tcx links (kernel 6.6)}
   *
   * @throws KernelException when that cannot be found out: EPERM without the privileges to load a
   *     program, ENOSYS without bpf(2)
   */
  public boolean tcx() {
    boolean found = tcx.orElseGet(this::tryTcx);
    tcx = Optional.of(found);
    return found;
  }

  /**
   * Attaches a program to an interface that is not there: a kernel that knows tcx looks for the
   * interface (ENODEV), one that does not never comes so far. As cilium/ebpf's haveTCX does.
   */
  private boolean tryTcx() {
    Bpf bpf = new Bpf(libc);
    try (FileDescriptor program = loadProgram(bpf)) {
      int result = bpf.linkCreate(program.number(), NO_INTERFACE, TcxLink.ATTACH_INGRESS, 0);
      if (result >= 0) { // No kernel does that. It would have known the attach type, though.
        new FileDescriptor(libc, result).close();
        return true;
      }
      return switch (Errno.of(-result)) {
        case ENODEV -> true;
        case EINVAL, EOPNOTSUPP -> false;
        default -> throw BpfErrors.of("BPF_LINK_CREATE", "an interface that is not there", result);
      };
    }
  }

  private FileDescriptor loadProgram(Bpf bpf) {
    String name = "culvert_probe";
    ProgramLinker.Linked code =
        new ProgramLinker.Linked(
            RETURN_0, List.of(), ProgramLinker.DebugRecords.NONE, ProgramLinker.DebugRecords.NONE);
    ProgramLoad load =
        ProgramLoad.withoutBtf(
            name, ProgramKind.ofSection("tc").orElseThrow(), code, "Dual BSD/GPL");
    int result = bpf.progLoad(load, RETURN_0, MemorySegment.NULL);
    if (result < 0) {
      throw BpfErrors.of("BPF_PROG_LOAD", "program " + name, result);
    }
    return new FileDescriptor(libc, result);
  }
}
