// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

/**
 * The kernel refused. The message names the call, its object, the errno and what to try: {@code
 * BPF_MAP_UPDATE_ELEM on map subnets4: E2BIG (too big: for a map, it is full); raise max_entries}.
 */
public class KernelException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String call;
  private final String target;
  private final int errno;
  private final String hint;

  /**
   * A refusal of one call.
   *
   * @param call the system call or command, such as {@code BPF_MAP_CREATE}
   * @param target what it was made on, such as {@code map subnets4}
   * @param errno the positive error number
   * @param hint what to try; empty when there is nothing to suggest
   */
  public KernelException(String call, String target, int errno, String hint) {
    super(message(call, target, errno, hint));
    this.call = call;
    this.target = target;
    this.errno = errno;
    this.hint = hint;
  }

  /**
   * Turns a refusal into an exception.
   *
   * @param result of a system call: negative for a refusal, the negated errno
   * @param call its name
   * @param target what it was made on
   * @param hint what to try; empty when there is nothing to suggest
   * @return the result itself when the call succeeded
   * @throws KernelException when it did not
   */
  public static long check(long result, String call, String target, String hint) {
    if (result < 0) {
      throw new KernelException(call, target, (int) -result, hint);
    }
    return result;
  }

  private static String message(String call, String target, int errno, String hint) {
    Errno known = Errno.of(errno);
    String name = known == Errno.OTHER ? "errno " + errno : known + " (" + known.meaning() + ")";
    return call + " on " + target + ": " + name + (hint.isEmpty() ? "" : "; " + hint);
  }

  /** {@return the system call or command, such as {@code BPF_MAP_CREATE}} */
  public String call() {
    return call;
  }

  /** {@return what it was made on, such as {@code map subnets4}} */
  public String target() {
    return target;
  }

  /** {@return why, as far as Culvert has a name for it; else {@link Errno#OTHER}} */
  public Errno errno() {
    return Errno.of(errno);
  }

  /** {@return the positive number itself, also where {@link #errno()} is {@link Errno#OTHER}} */
  public int errnoNumber() {
    return errno;
  }

  /** {@return what to try; empty when there is nothing to suggest} */
  public String hint() {
    return hint;
  }
}
