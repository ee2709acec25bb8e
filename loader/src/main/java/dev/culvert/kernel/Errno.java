// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/**
 * Error numbers that Culvert meets, with their names (source: asm-generic/errno.h; the same on
 * amd64 and aarch64).
 */
public enum Errno {
  EPERM(1, "operation not permitted"),
  ENOENT(2, "no such object"),
  EINTR(4, "interrupted"),
  EIO(5, "input/output error"),
  E2BIG(7, "too big: for a map, it is full"),
  EBADF(9, "bad file descriptor"),
  EAGAIN(11, "try again"),
  ENOMEM(12, "out of memory"),
  EACCES(13, "permission denied"),
  EFAULT(14, "bad address"),
  EBUSY(16, "busy"),
  EEXIST(17, "exists already"),
  ENODEV(19, "no such device"),
  EINVAL(22, "invalid argument"),
  EMFILE(24, "too many open files"),
  ENOSPC(28, "no space"),
  ERANGE(34, "out of range"),
  ENAMETOOLONG(36, "name too long"),
  ENOSYS(38, "not known to this kernel"),
  EAFNOSUPPORT(97, "address family not supported"),
  EADDRINUSE(98, "address in use"),
  EADDRNOTAVAIL(99, "address not available"),
  EBADFD(77, "file descriptor in bad state"),
  ENOLINK(67, "link has been severed"),
  ENETDOWN(100, "network is down"),
  ENETUNREACH(101, "network is unreachable"),
  ENOBUFS(105, "no buffer space"),
  ETIMEDOUT(110, "timed out"),
  ECONNREFUSED(111, "nobody listens there"),
  EHOSTUNREACH(113, "no route to host"),
  EALREADY(114, "in progress already"),
  ESTALE(116, "stale handle"),
  EMSGSIZE(90, "message too long"),
  EOPNOTSUPP(95, "operation not supported"),
  ENOTSUPP(524, "operation not supported"),
  OTHER(-1, "error");

  private final int number;
  private final String meaning;

  Errno(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  public int number() {
    return number;
  }

  /** A few words in plain English. */
  public String meaning() {
    return meaning;
  }

  /** The constant for a positive errno, {@link #OTHER} for one that is not listed. */
  public static Errno of(int number) {
    for (Errno errno : values()) {
      if (errno.number == number) {
        return errno;
      }
    }
    return OTHER;
  }
}
