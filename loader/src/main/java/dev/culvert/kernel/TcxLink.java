// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import dev.culvert.kernel.system.FileDescriptor;

/**
 * See {@link Link}. The kernel keeps the programs of one interface and direction in a list; this
 * joins its end.
 */
final class TcxLink extends KernelLink {
  static final int ATTACH_INGRESS = 46;
  private static final int ATTACH_EGRESS = 47;

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

  private static KernelException failed(Bpf bpf, String target, int result) {
    return switch (Errno.of(-result)) {
      case EINVAL, EOPNOTSUPP ->
          bpf.libc().features().tcx()
              ? BpfErrors.of("BPF_LINK_CREATE", target, result)
              : new Unsupported("BPF_LINK_CREATE", target, -result, "tcx links", "6.6");
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
