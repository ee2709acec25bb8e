// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.system.FileDescriptor;

/** See {@link Link}. An interface has room for one XDP program. */
final class XdpLink extends KernelLink {
  private static final int ATTACH_XDP = 37;
  private static final int FLAG_GENERIC = 1 << 1;
  private static final int FLAG_NATIVE = 1 << 2;

  XdpLink(Bpf bpf, FileDescriptor fd, int interfaceIndex, String description) {
    super(bpf, fd, interfaceIndex, description);
  }

  static XdpLink attach(Bpf bpf, BpfProgram program, int interfaceIndex) {
    int result = bpf.linkCreate(program.fd(), interfaceIndex, ATTACH_XDP, FLAG_NATIVE);
    if (result < 0 && mayBeGeneric(Errno.of(-result))) {
      result = bpf.linkCreate(program.fd(), interfaceIndex, ATTACH_XDP, FLAG_GENERIC);
      return attached(bpf, program, result, new Place("generic", interfaceIndex));
    }
    return attached(bpf, program, result, new Place("native", interfaceIndex));
  }

  static XdpLink attachNative(Bpf bpf, BpfProgram program, int interfaceIndex) {
    int result = bpf.linkCreate(program.fd(), interfaceIndex, ATTACH_XDP, FLAG_NATIVE);
    return attached(bpf, program, result, new Place("native", interfaceIndex));
  }

  private record Place(String mode, int interfaceIndex) {}

  private static XdpLink attached(Bpf bpf, BpfProgram program, int result, Place place) {
    String where = "XDP of interface " + place.interfaceIndex();
    if (result < 0) {
      boolean missing = !InterfaceIndex.exists(bpf.libc(), place.interfaceIndex());
      // For a missing interface the kernel says EINVAL, as it does for an unknown command.
      throw failed(program + " at " + where, missing ? -Errno.ENODEV.number() : result);
    }
    FileDescriptor fd = new FileDescriptor(bpf.libc(), result);
    return new XdpLink(
        bpf, fd, place.interfaceIndex(), "the link at " + place.mode() + " " + where);
  }

  /**
   * Drivers refuse native XDP in many ways; these three say that generic XDP would fare no better.
   */
  private static boolean mayBeGeneric(Errno errno) {
    return errno != Errno.EBUSY && errno != Errno.EPERM && errno != Errno.ENODEV;
  }

  private static KernelException failed(String target, int result) {
    return switch (Errno.of(-result)) {
      case EINVAL ->
          new Unsupported(BpfErrors.of("BPF_LINK_CREATE", target, result), "XDP links", "5.9");
      case ENODEV ->
          new KernelException(
              "BPF_LINK_CREATE",
              target,
              -result,
              "there is no such interface in this network namespace");
      case EBUSY, EEXIST ->
          new KernelException(
              "BPF_LINK_CREATE",
              target,
              -result,
              "the interface has an XDP program already (ip link shows it); take it off first");
      default -> BpfErrors.of("BPF_LINK_CREATE", target, result);
    };
  }
}
