// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culvert.kernel.socket.MessageHeader;
import dev.culvert.kernel.socket.NativeSocket;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.time.Duration;

/**
 * A UDP socket that sends and takes many datagrams with one system call (sendmmsg(2), recvmmsg(2)),
 * so that the datapath is the bottleneck and not the sender; what is in the datagrams is nobody's
 * business. One thread at a time.
 */
final class UdpSocket implements AutoCloseable {
  private static final int BATCH = 64;
  private static final int SO_RCVTIMEO = 20;
  private static final int BUFFER_BYTES = 8 << 20;
  private static final int MAX_DATAGRAM_BYTES = 65_536;

  private static final int IOVEC_BYTES = 16;

  private static final Duration PATIENCE = Duration.ofMillis(50);

  private final TrafficSocket socket;
  private final MemorySegment headers;
  private final MemorySegment vector;
  private final MemorySegment buffer;

  /**
   * @param address its own
   */
  UdpSocket(String address, int port) {
    InetAddress own = TrafficSocket.literal(address);
    socket =
        new TrafficSocket(
            own,
            new NativeSocket.Kind(NativeSocket.DATAGRAM, 0, "UDP " + address + " port " + port),
            (opened, arena) -> {
              MemorySegment patience = arena.allocate(16, 8);
              patience.set(JAVA_LONG, 8, PATIENCE.toNanos() / 1000);
              opened.setOption(NativeSocket.SOL_SOCKET, SO_RCVTIMEO, patience);
              opened.setOption(NativeSocket.SOL_SOCKET, NativeSocket.SO_RCVBUFFORCE, BUFFER_BYTES);
              opened.bind(own, port);
            });
    headers = socket.arena().allocate((long) BATCH * MessageHeader.BYTES, 8);
    vector = socket.arena().allocate(IOVEC_BYTES, 8);
    buffer = socket.arena().allocate(MAX_DATAGRAM_BYTES, 8);
  }

  /** Sends to this address from now on, and takes from it alone. */
  UdpSocket connect(String address, int port) {
    socket.connect(TrafficSocket.literal(address), port);
    return this;
  }

  /** Every datagram of a batch is the same buffer. */
  private void prepare(int bytes) {
    vector.set(JAVA_LONG, 0, buffer.address());
    vector.set(JAVA_LONG, 8, bytes);
    headers.fill((byte) 0);
    for (int i = 0; i < BATCH; i++) {
      headers.set(
          JAVA_LONG, (long) i * MessageHeader.BYTES + MessageHeader.VECTORS, vector.address());
      headers.set(JAVA_LONG, (long) i * MessageHeader.BYTES + MessageHeader.VECTOR_COUNT, 1);
    }
  }

  /** Sends datagrams until the deadline (System.nanoTime); how many the kernel has taken. */
  long sendUntil(long deadlineNs, int bytes) {
    prepare(bytes);
    long sent = 0;
    while (System.nanoTime() < deadlineNs) {
      sent += socket.sendMany(headers, BATCH);
    }
    return sent;
  }

  /** Takes up to a batch of datagrams, and waits up to 50 ms for the first. */
  int receiveMany() {
    prepare(MAX_DATAGRAM_BYTES);
    return socket.receiveMany(headers, BATCH, NativeSocket.MSG_WAITFORONE);
  }

  @Override
  public void close() {
    socket.close();
  }
}
