// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.SourcePorts;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.socket.DatagramSocket;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * The sending side: one socket for each of {@value #SOCKETS} source ports, spread over the range. A
 * flow keeps one port, and flows spread over all, so that routers' ECMP and NICs' queues see the
 * inner flows (RFC 7348 section 5).
 */
final class Outboxes implements AutoCloseable {
  static final int SOCKETS = 16;

  private static final int SEND_BUFFER_BYTES = 4 << 20;

  /** What strangers send to a source port is never read. */
  private static final int LEAST_BUFFER_BYTES = 1;

  private static final int PATIENCE_SECONDS = 1;

  private final List<DatagramSocket> sockets = new ArrayList<>();
  private final Outbox[] boxes;

  /** Opens the sockets in the calling thread's namespace; a port that is taken is passed over. */
  Outboxes(Libc libc, InetAddress local, SourcePorts ports, Outbox.Refusals refusals) {
    int firstPort = ports.first();
    int lastPort = ports.last();
    int wanted = Math.min(SOCKETS, lastPort - firstPort + 1);
    try {
      for (int i = 0; i < wanted; i++) {
        int from = firstPort + (int) ((long) i * (lastPort - firstPort + 1) / wanted);
        int to = firstPort + (int) ((i + 1L) * (lastPort - firstPort + 1) / wanted) - 1;
        sockets.add(open(libc, local, from, to));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    boxes = sockets.stream().map(socket -> new Outbox(socket, refusals)).toArray(Outbox[]::new);
  }

  private static DatagramSocket open(Libc libc, InetAddress local, int from, int to) {
    for (int port = from; ; port++) {
      try {
        DatagramSocket socket = DatagramSocket.udp(libc, local, port);
        socket.setBuffers(LEAST_BUFFER_BYTES, SEND_BUFFER_BYTES);
        socket.setSendTimeout(PATIENCE_SECONDS);
        return socket;
      } catch (KernelException e) {
        if (e.errno() != Errno.EADDRINUSE || port == to) {
          throw e;
        }
      }
    }
  }

  /** The one that a flow goes through. */
  Outbox of(int flowHash) {
    return boxes[(int) (((flowHash & 0xffff_ffffL) * boxes.length) >>> 32)];
  }

  void flush() {
    for (Outbox box : boxes) {
      box.flush();
    }
  }

  @Override
  public void close() {
    sockets.forEach(DatagramSocket::close);
  }
}
