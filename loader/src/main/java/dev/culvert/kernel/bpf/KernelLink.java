// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * See {@link Link}. What tcx and XDP links have in common: a descriptor of bpf(2) that is the
 * attachment. How one is made, and what a refusal means, is what each says itself.
 */
abstract sealed class KernelLink implements Link permits TcxLink, XdpLink {
  private static final int TYPE_XDP = 6;
  private static final int TYPE_TCX = 11;

  /** As the kernel tells it. */
  private record Info(int type, int programId, int interfaceIndex) {}

  private final Bpf bpf;
  private final FileDescriptor fd;
  private final int interfaceIndex;
  private final String description;

  /**
   * @param fd closed with the link
   * @param description for errors, such as "the tcx link at INGRESS of interface 7"
   */
  KernelLink(Bpf bpf, FileDescriptor fd, int interfaceIndex, String description) {
    this.bpf = bpf;
    this.fd = fd;
    this.interfaceIndex = interfaceIndex;
    this.description = description;
  }

  /** The link that a pin's descriptor turned out to be; the descriptor stays open on errors. */
  static Link open(Bpf bpf, FileDescriptor fd, Path pin) {
    String description = "the link pinned at " + pin;
    Info info = readInfo(bpf, fd, description);
    return switch (info.type()) {
      case TYPE_TCX -> new TcxLink(bpf, fd, info.interfaceIndex(), description);
      case TYPE_XDP -> new XdpLink(bpf, fd, info.interfaceIndex(), description);
      default ->
          throw new KernelException(
              "BPF_OBJ_GET",
              pin.toString(),
              Errno.EINVAL.number(),
              "it is a link of type " + info.type() + ", neither tcx nor XDP");
    };
  }

  private static Info readInfo(Bpf bpf, FileDescriptor fd, String description) {
    return bpf.info(fd, description, BpfInfo.Link.LAYOUT, KernelLink::toInfo);
  }

  private static Info toInfo(MemorySegment info) {
    return new Info(
        (int) BpfInfo.Link.TYPE.get(info, 0),
        (int) BpfInfo.Link.PROGRAM_ID.get(info, 0),
        (int) BpfInfo.Link.INTERFACE_INDEX.get(info, 0));
  }

  @Override
  public final void replace(BpfProgram program) {
    int result = bpf.linkUpdate(fd.number(), program.fd());
    if (result < 0) {
      String hint = result == -Errno.ENOLINK.number() ? "its interface is gone: attach anew" : "";
      throw new KernelException("BPF_LINK_UPDATE", description + " to " + program, -result, hint);
    }
  }

  @Override
  public final void pin(Path path) {
    int result = bpf.pin(fd.number(), path.toString());
    if (result < 0) {
      throw BpfErrors.pin(description, path.toString(), result);
    }
  }

  @Override
  public final int interfaceIndex() {
    return interfaceIndex;
  }

  @Override
  public final int programId() {
    return readInfo(bpf, fd, description).programId();
  }

  @Override
  public final void detach() {
    int result = bpf.linkDetach(fd.number());
    boolean interfaceGone = result == -Errno.ENOLINK.number() || result == -Errno.ENODEV.number();
    if (result < 0 && !interfaceGone) {
      throw BpfErrors.of("BPF_LINK_DETACH", description, result);
    }
  }

  @Override
  public final void close() {
    fd.close();
  }

  @Override
  public final String toString() {
    return description;
  }
}
