// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** What tcx and XDP links have in common: a descriptor of bpf(2) that is the attachment. */
final class KernelLink implements AutoCloseable {
  private static final int INFO_BYTES = 128;
  private static final int TYPE_XDP = 6;
  private static final int TYPE_TCX = 11;

  /** As the kernel tells it. */
  record Info(int type, int programId, int interfaceIndex) {}

  private final Bpf bpf;
  private final FileDescriptor fd;
  private final String description;

  KernelLink(Bpf bpf, FileDescriptor fd, String description) {
    this.bpf = bpf;
    this.fd = fd;
    this.description = description;
  }

  static Link open(Bpf bpf, FileDescriptor fd, Path pin) {
    KernelLink link = new KernelLink(bpf, fd, "the link pinned at " + pin);
    Info info = link.info();
    return switch (info.type()) {
      case TYPE_TCX -> new TcxLink(link, info.interfaceIndex());
      case TYPE_XDP -> new XdpLink(link, info.interfaceIndex());
      default ->
          throw new KernelException(
              "BPF_OBJ_GET",
              pin.toString(),
              Errno.EINVAL.number(),
              "it is a link of type " + info.type() + ", neither tcx nor XDP");
    };
  }

  Info info() {
    return bpf.info(fd, description, INFO_BYTES, KernelLink::toInfo);
  }

  private static Info toInfo(MemorySegment info) {
    return new Info(info.get(JAVA_INT, 0), info.get(JAVA_INT, 8), info.get(JAVA_INT, 16));
  }

  void replace(BpfProgram program) {
    int result = bpf.linkUpdate(fd.number(), program.fd());
    if (result < 0) {
      String hint = result == -Errno.ENOLINK.number() ? "its interface is gone: attach anew" : "";
      throw new KernelException("BPF_LINK_UPDATE", description + " to " + program, -result, hint);
    }
  }

  void pin(Path path) {
    int result = bpf.pin(fd.number(), path.toString());
    if (result < 0) {
      throw BpfErrors.pin(description, path.toString(), result);
    }
  }

  void detach() {
    int result = bpf.linkDetach(fd.number());
    boolean interfaceGone = result == -Errno.ENOLINK.number() || result == -Errno.ENODEV.number();
    if (result < 0 && !interfaceGone) {
      throw BpfErrors.of("BPF_LINK_DETACH", description, result);
    }
  }

  @Override
  public void close() {
    fd.close();
  }

  @Override
  public String toString() {
    return description;
  }
}
