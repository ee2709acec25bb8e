// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/**
 * The system calls that Culvert makes, with their numbers on each supported architecture (sources:
 * the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h).
 */
public enum Syscall {
  READ(0, 63),
  WRITE(1, 64),
  CLOSE(3, 57),
  MMAP(9, 222),
  MUNMAP(11, 215),
  IOCTL(16, 29),
  WRITEV(20, 66),
  SOCKET(41, 198),
  CONNECT(42, 203),
  SENDTO(44, 206),
  RECVFROM(45, 207),
  BIND(49, 200),
  GETSOCKNAME(51, 204),
  SETSOCKOPT(54, 208),
  FCNTL(72, 25),
  FLOCK(73, 32),
  GETEUID(107, 175),
  MOUNT(165, 40),
  UMOUNT2(166, 39),
  GETTID(186, 178),
  SCHED_SETAFFINITY(203, 122),
  CLOCK_GETTIME(228, 113),
  OPENAT(257, 56),
  EVENTFD2(290, 19),
  UNSHARE(272, 97),
  PPOLL(271, 73),
  RECVMMSG(299, 243),
  SENDMMSG(307, 269),
  SETNS(308, 268),
  BPF(321, 280),
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

  enum Architecture {
    X86_64,
    AARCH64;

    private static final Architecture CURRENT = of(System.getProperty("os.arch"));

    static Architecture current() {
      return CURRENT;
    }

    static Architecture of(String name) {
      return switch (name) {
        case "amd64", "x86_64" -> X86_64;
        case "aarch64" -> AARCH64;
        default ->
            throw new RefusedException(
                "Culvert knows the system calls of amd64 and aarch64, not of " + name + ".");
      };
    }
  }
}
