// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.socket.DatagramSocket;

/**
 * Datagrams that wait to leave by one socket. Consecutive ones of one size to one VTEP become one
 * message that the kernel cuts (UDP_SEGMENT, udp(7)); all messages leave in one sendmmsg(2). The
 * bytes are gathered from where they lie, which must stay as they are until {@link #flush}.
 */
final class Outbox {
  /** Hears of messages that the kernel refused. */
  interface Refusals {
    void refused(Remote to, Errno errno);
  }

  private static final int MESSAGES = 64;

  /** UDP_MAX_SEGMENTS of the kernel (linux/udp.h) before 6.9, which allows 128. */
  private static final int MAX_SEGMENTS = 64;

  /** 65535 less outer IPv4 and UDP headers; IPv6 would leave 20 more. */
  private static final int MAX_MESSAGE_BYTES = 65_507;

  private static final int SOL_UDP = 17;
  private static final int UDP_SEGMENT = 103;

  private final DatagramSocket socket;
  private final Refusals refusals;
  private final MessageVectors messages = new MessageVectors(MESSAGES);
  private final MessageVectors single = new MessageVectors(1);

  /** Two entries for each datagram: a header that was written for it, and its payload. */
  private final IoVectors vectors = new IoVectors(MESSAGES * MAX_SEGMENTS);

  private final Remote[] to = new Remote[MESSAGES];
  private final int[] ecn = new int[MESSAGES];
  private final int[] firstVector = new int[MESSAGES];
  private final int[] segments = new int[MESSAGES];
  private final int[] segmentBytes = new int[MESSAGES];
  private int count;
  private int nextVector;

  /** Of the last message. */
  private int totalBytes;

  private boolean complete;

  /** Where a device cannot checksum and the kernel is older than 6.11, nothing can be segmented. */
  private boolean canSegment = true;

  Outbox(DatagramSocket socket, Refusals refusals) {
    this.socket = socket;
    this.refusals = refusals;
  }

  /**
   * Begins a datagram, flushing before when there is no room. Exactly two {@linkplain #piece
   * pieces} make it.
   *
   * @param bytes of both pieces
   */
  void next(Remote remote, int outerEcn, int bytes) {
    if (!extendsLast(remote, outerEcn, bytes)) {
      begin(remote, outerEcn, bytes);
    }
    segments[count - 1]++;
    totalBytes += bytes;
    // A shorter one can only be the last.
    complete = bytes < segmentBytes[count - 1];
  }

  /** Appends to the datagram that was begun last; what lies there stays until {@link #flush}. */
  void piece(long pointer, int bytes) {
    vectors.set(nextVector++, pointer, bytes);
  }

  private boolean extendsLast(Remote remote, int outerEcn, int bytes) {
    int last = count - 1;
    return last >= 0
        && canSegment
        && !complete
        && to[last] == remote
        && ecn[last] == outerEcn
        && bytes <= segmentBytes[last]
        && segments[last] < MAX_SEGMENTS
        && totalBytes + bytes <= MAX_MESSAGE_BYTES
        && nextVector + 2 <= vectors.capacity();
  }

  private void begin(Remote remote, int outerEcn, int bytes) {
    if (count == MESSAGES || nextVector + 2 > vectors.capacity()) {
      flush();
    }
    to[count] = remote;
    ecn[count] = outerEcn;
    firstVector[count] = nextVector;
    segments[count] = 0;
    segmentBytes[count] = bytes;
    totalBytes = 0;
    count++;
  }

  /** Sends everything. */
  void flush() {
    for (int i = 0; i < count; i++) {
      address(messages, i, i);
      messages.setVectors(i, vectors.pointer(firstVector[i]), segments[i] * 2);
      if (segments[i] > 1) {
        messages.addControl16(i, SOL_UDP, UDP_SEGMENT, segmentBytes[i]);
      }
    }
    int sent = 0;
    while (sent < count) {
      int result = socket.send(messages.pointer(sent), count - sent);
      if (result > 0) {
        sent += result;
      } else if (result != -Errno.EINTR.number()) {
        retry(sent, Errno.of(-result));
        sent++;
      }
    }
    count = 0;
    nextVector = 0;
    complete = true;
  }

  private void address(MessageVectors vector, int index, int message) {
    Remote remote = to[message];
    vector.setName(index, remote.to().pointer(), remote.to().sizeBytes());
    vector.clearControl(index);
    if (ecn[message] != InnerPacket.ECN_NOT_CAPABLE) {
      boolean ipv4 = socket.isIpv4();
      vector.addControl32(
          index,
          ipv4 ? DatagramSocket.SOL_IP : DatagramSocket.SOL_IPV6,
          ipv4 ? DatagramSocket.IP_TOS : DatagramSocket.IPV6_TCLASS,
          ecn[message]);
    }
  }

  /** A message of several datagrams may be refused where each of them would not. */
  private void retry(int message, Errno errno) {
    if (segments[message] == 1 || errno == Errno.EMSGSIZE) {
      refusals.refused(to[message], errno);
      return;
    }
    canSegment &= errno != Errno.EIO;
    address(single, 0, message);
    for (int i = 0; i < segments[message]; i++) {
      single.setVectors(0, vectors.pointer(firstVector[message] + 2 * i), 2);
      int result = socket.send(single.pointer(0), 1);
      if (result < 0) {
        refusals.refused(to[message], Errno.of(-result));
      }
    }
  }
}
