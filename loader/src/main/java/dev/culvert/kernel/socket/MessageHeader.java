// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

/**
 * Where the fields of struct mmsghdr (sendmmsg(2), recvmmsg(2)) are, in bytes, on a 64-bit kernel:
 * a struct msghdr of 56 bytes, how many bytes were passed, padding. All in the host's byte order.
 */
public final class MessageHeader {
  /** Of one header in an array of them. */
  public static final int BYTES = 64;

  /** 8 bytes: pointer to the address of the other end, or 0. */
  public static final int NAME = 0;

  /** 4 bytes: the bytes of that address. */
  public static final int NAME_BYTES = 8;

  /** 8 bytes: pointer to the struct iovec of the data. */
  public static final int VECTORS = 16;

  /** 8 bytes: how many of these. */
  public static final int VECTOR_COUNT = 24;

  /** 8 bytes: pointer to the control messages (cmsg(3)). */
  public static final int CONTROL = 32;

  /** 8 bytes: the bytes of these, or how many there is room for. */
  public static final int CONTROL_BYTES = 40;

  /** 4 bytes, set by the kernel: the bytes of data sent or received. */
  public static final int PASSED_BYTES = 56;

  private MessageHeader() {}
}
