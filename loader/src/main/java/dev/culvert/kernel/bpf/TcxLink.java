// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * See {@link Link}. The kernel keeps the programs of one interface and direction in a list; this
 * joins its end.
 */
final class TcxLink extends KernelLink {
  static final int ATTACH_INGRESS = 46;
  private static final int ATTACH_EGRESS = 47;

  /** BPF_MPROG_MAX, linux/bpf_mprog.h. */
  private static final int MOST_PROGRAMS = 64;

  TcxLink(Bpf bpf, FileDescriptor fd, int interfaceIndex, String description) {
    super(bpf, fd, interfaceIndex, description);
  }

  static TcxLink attach(Bpf bpf, BpfProgram program, int interfaceIndex, Direction direction) {
    int type = direction == Direction.INGRESS ? ATTACH_INGRESS : ATTACH_EGRESS;
    String where = direction + " of interface " + interfaceIndex;
    int result = bpf.linkCreate(program.fd(), interfaceIndex, type, 0);
    if (result < 0) {
      throw failed(bpf, program + " at tc " + where, result);
    }
    FileDescriptor fd = new FileDescriptor(bpf.libc(), result);
    return new TcxLink(bpf, fd, interfaceIndex, "the tcx link at " + where);
  }

  /** Names of all programs there, whoever attached them, as far as the kernel keeps them. */
  static List<String> programs(Bpf bpf, int interfaceIndex, Direction direction) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, MOST_PROGRAMS);
      int type = direction == Direction.INGRESS ? ATTACH_INGRESS : ATTACH_EGRESS;
      int count = bpf.progQuery(interfaceIndex, type, ids);
      if (count < 0) {
        throw BpfErrors.of("BPF_PROG_QUERY", "interface " + interfaceIndex, count);
      }
      List<String> names = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        try (BpfProgram program = BpfProgram.openId(bpf, ids.getAtIndex(ValueLayout.JAVA_INT, i))) {
          names.add(program.name());
        }
      }
      return names;
    }
  }

  private static KernelException failed(Bpf bpf, String target, int result) {
    return switch (Errno.of(-result)) {
      case EINVAL, EOPNOTSUPP ->
          Features.of(bpf.libc()).tcx()
              ? BpfErrors.of("BPF_LINK_CREATE", target, result)
              : new Unsupported(
                  BpfErrors.of("BPF_LINK_CREATE", target, result), "tcx links", "6.6");
      case ENODEV ->
          new KernelException(
              "BPF_LINK_CREATE",
              target,
              -result,
              "there is no such interface in this network namespace");
      case EEXIST ->
          new KernelException(
              "BPF_LINK_CREATE", target, -result, "this program is attached there already");
      case ERANGE ->
          new KernelException(
              "BPF_LINK_CREATE", target, -result, "64 programs are attached there already");
      default -> BpfErrors.of("BPF_LINK_CREATE", target, result);
    };
  }
}
