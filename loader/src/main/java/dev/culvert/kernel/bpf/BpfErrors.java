// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;

/** Turns a refusal of bpf(2) into an exception that says what to try. */
final class BpfErrors {
  private static final String PRIVILEGES =
      "run as root, or with CAP_BPF and CAP_NET_ADMIN (kernels before 5.11 also count maps against \"ulimit -l\")";

  private BpfErrors() {}

  /**
   * @param result of the system call: the negated errno
   */
  static KernelException of(String call, String target, int result) {
    return new KernelException(call, target, -result, hint(Errno.of(-result)));
  }

  private static String hint(Errno errno) {
    return switch (errno) {
      case EPERM, EACCES -> PRIVILEGES;
      case ENOSYS -> "this kernel is built without CONFIG_BPF_SYSCALL, or a sandbox forbids bpf(2)";
      case EMFILE -> "raise the limit of open files (ulimit -n)";
      case ENOMEM -> "free memory, or raise the memory limit of this control group";
      default -> "";
    };
  }

  static KernelException pin(String target, String path, int result) {
    String hint =
        switch (Errno.of(-result)) {
          case EEXIST -> "something is pinned there already: remove it first";
          case ENOENT -> "create its folder first";
          case EPERM, EINVAL, EOPNOTSUPP ->
              "pin as root, below a bpf file system (mount -t bpf bpf /sys/fs/bpf), under a name without a dot";
          default -> hint(Errno.of(-result));
        };
    return new KernelException("BPF_OBJ_PIN", target + " to " + path, -result, hint);
  }

  static KernelException openPinned(String path, int result) {
    String hint =
        switch (Errno.of(-result)) {
          case ENOENT -> "nothing is pinned there";
          case EPERM, EACCES, EINVAL, EOPNOTSUPP ->
              "it must be a pin in a bpf file system, opened as root";
          default -> hint(Errno.of(-result));
        };
    return new KernelException("BPF_OBJ_GET", path, -result, hint);
  }
}
