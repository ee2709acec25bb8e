// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/**
 * Error numbers that Culvert meets, with their names (source: asm-generic/errno.h; the same on
 * amd64 and aarch64).
 */
public enum Errno {
  /** Operation not permitted. */
  EPERM(1, "operation not permitted"),

  /** No such object. */
  ENOENT(2, "no such object"),

  /** Interrupted. */
  EINTR(4, "interrupted"),

  /** Input/output error. */
  EIO(5, "input/output error"),

  /** Too big: for a map, it is full. */
  E2BIG(7, "too big: for a map, it is full"),

  /** Bad file descriptor. */
  EBADF(9, "bad file descriptor"),

  /** Try again. */
  EAGAIN(11, "try again"),

  /** Out of memory. */
  ENOMEM(12, "out of memory"),

  /** Permission denied. */
  EACCES(13, "permission denied"),

  /** Bad address. */
  EFAULT(14, "bad address"),

  /** Busy. */
  EBUSY(16, "busy"),

  /** Exists already. */
  EEXIST(17, "exists already"),

  /** No such device. */
  ENODEV(19, "no such device"),

  /** Invalid argument. */
  EINVAL(22, "invalid argument"),

  /** Too many open files. */
  EMFILE(24, "too many open files"),

  /** No space. */
  ENOSPC(28, "no space"),

  /** Out of range. */
  ERANGE(34, "out of range"),

  /** Name too long. */
  ENAMETOOLONG(36, "name too long"),

  /** Not known to this kernel. */
  ENOSYS(38, "not known to this kernel"),

  /** Address family not supported. */
  EAFNOSUPPORT(97, "address family not supported"),

  /** Address in use. */
  EADDRINUSE(98, "address in use"),

  /** Address not available. */
  EADDRNOTAVAIL(99, "address not available"),

  /** File descriptor in bad state. */
  EBADFD(77, "file descriptor in bad state"),

  /** Link has been severed. */
  ENOLINK(67, "link has been severed"),

  /** Network is down. */
  ENETDOWN(100, "network is down"),

  /** Network is unreachable. */
  ENETUNREACH(101, "network is unreachable"),

  /** No buffer space. */
  ENOBUFS(105, "no buffer space"),

  /** Timed out. */
  ETIMEDOUT(110, "timed out"),

  /** Nobody listens there. */
  ECONNREFUSED(111, "nobody listens there"),

  /** No route to host. */
  EHOSTUNREACH(113, "no route to host"),

  /** In progress already. */
  EALREADY(114, "in progress already"),

  /** Stale handle. */
  ESTALE(116, "stale handle"),

  /** Message too long. */
  EMSGSIZE(90, "message too long"),

  /** Operation not supported. */
  EOPNOTSUPP(95, "operation not supported"),

  /** Operation not supported. */
  ENOTSUPP(524, "operation not supported"),

  /** One that is not listed here. */
  OTHER(-1, "error");

  private final int number;
  private final String meaning;

  Errno(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  /** {@return the positive number; -1 of {@link #OTHER}} */
  public int number() {
    return number;
  }

  /** {@return a few words in plain English, no sentence} */
  public String meaning() {
    return meaning;
  }

  /**
   * {@return the constant of an error number, {@link #OTHER} for one that is not listed}
   *
   * @param number positive
   */
  public static Errno of(int number) {
    for (Errno errno : values()) {
      if (errno.number == number) {
        return errno;
      }
    }
    return OTHER;
  }
}
