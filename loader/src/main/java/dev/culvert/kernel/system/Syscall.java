// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.system;

import java.util.Optional;

/**
 * The system calls that Culvert makes, with their numbers on each supported architecture (sources:
 * the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h).
 */
public enum Syscall {
  /** read(2). */
  READ(0, 63),
  /** write(2). */
  WRITE(1, 64),
  /** close(2). */
  CLOSE(3, 57),
  /** mmap(2). */
  MMAP(9, 222),
  /** munmap(2). */
  MUNMAP(11, 215),
  /** ioctl(2). */
  IOCTL(16, 29),
  /** writev(2). */
  WRITEV(20, 66),
  /** socket(2). */
  SOCKET(41, 198),
  /** connect(2). */
  CONNECT(42, 203),
  /** sendto(2). */
  SENDTO(44, 206),
  /** recvfrom(2). */
  RECVFROM(45, 207),
  /** bind(2). */
  BIND(49, 200),
  /** getsockname(2). */
  GETSOCKNAME(51, 204),
  /** setsockopt(2). */
  SETSOCKOPT(54, 208),
  /** fcntl(2). */
  FCNTL(72, 25),
  /** flock(2). */
  FLOCK(73, 32),
  /** geteuid(2). */
  GETEUID(107, 175),
  /** mount(2). */
  MOUNT(165, 40),
  /** umount2(2). */
  UMOUNT2(166, 39),
  /** gettid(2). */
  GETTID(186, 178),
  /** sched_setaffinity(2). */
  SCHED_SETAFFINITY(203, 122),
  /** clock_gettime(2). */
  CLOCK_GETTIME(228, 113),
  /** openat(2). */
  OPENAT(257, 56),
  /** eventfd2(2). */
  EVENTFD2(290, 19),
  /** unshare(2). */
  UNSHARE(272, 97),
  /** ppoll(2). */
  PPOLL(271, 73),
  /** recvmmsg(2). */
  RECVMMSG(299, 243),
  /** sendmmsg(2). */
  SENDMMSG(307, 269),
  /** setns(2). */
  SETNS(308, 268),
  /** bpf(2). */
  BPF(321, 280),
  /** statfs(2). */
  STATFS(137, 43);

  private final int x86;
  private final int arm;

  Syscall(int x86, int arm) {
    this.x86 = x86;
    this.arm = arm;
  }

  /** The number on the architecture that this JVM runs on. */
  public int number() {
    return switch (Architecture.current()) {
      case X86_64 -> x86;
      case AARCH64 -> arm;
    };
  }

  /** Those whose numbers are known. */
  public enum Architecture {
    /** amd64. */
    X86_64,
    /** arm64. */
    AARCH64;

    private static final Optional<Architecture> CURRENT = of(System.getProperty("os.arch"));

    /**
     * The one that this JVM runs on.
     *
     * @throws UnsupportedOperationException when it is not {@link #isKnown}
     */
    public static Architecture current() {
      return CURRENT.orElseThrow(UnsupportedOperationException::new);
    }

    /** Whether this JVM runs on one of them. */
    public static boolean isKnown() {
      return CURRENT.isPresent();
    }

    static Optional<Architecture> of(String name) {
      return switch (name) {
        case "amd64", "x86_64" -> Optional.of(X86_64);
        case "aarch64" -> Optional.of(AARCH64);
        default -> Optional.empty();
      };
    }
  }
}
