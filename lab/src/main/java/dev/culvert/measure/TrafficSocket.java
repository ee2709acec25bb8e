// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.socket.NativeSocket;
import dev.culvert.lab.LabException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * The loader's socket as a measurement wants it: where nothing is there, or there is no room, it
 * goes on; what else goes wrong ends the measurement. One thread at a time.
 */
final class TrafficSocket implements AutoCloseable {
  /** What a call may answer in place of a count: nothing is there, or there is no room. */
  static final int NOTHING = 0;

  private final NativeSocket socket;
  private final Arena arena = Arena.ofShared();

  /** Opens one in the thread's namespace and lets it be set up; closes it where that fails. */
  TrafficSocket(InetAddress address, NativeSocket.Kind kind, Setup setup) {
    try {
      socket = NativeSocket.open(Libc.system(), address, kind);
    } catch (KernelException e) {
      throw failed(e);
    }
    try {
      setup.on(socket, arena);
    } catch (KernelException e) {
      close();
      throw failed(e);
    }
  }

  /** Options and addresses; memory for them that lives as long as the socket. */
  interface Setup {
    void on(NativeSocket socket, Arena arena);
  }

  private static LabException failed(KernelException e) {
    return new LabException(e.getMessage() + ".", e);
  }

  /** Sends to this address from now on, and takes from it alone. */
  void connect(InetAddress address, int port) {
    try {
      socket.connect(address, port);
    } catch (KernelException e) {
      throw failed(e);
    }
  }

  /** Memory that lives as long as the socket. */
  Arena arena() {
    return arena;
  }

  static InetAddress literal(String address) {
    try {
      return InetAddress.getByName(address);
    } catch (UnknownHostException e) {
      throw new LabException("\"" + address + "\" is no address.", e);
    }
  }

  /** Sends one message; {@link #NOTHING} when there is no room for it. */
  int send(MemorySegment message) {
    return count(socket.send(message), "send");
  }

  /** Takes one message: its size, or {@link #NOTHING} when none is there, or came in time. */
  int receive(MemorySegment buffer, int flags) {
    return count(socket.receive(buffer, flags), "recv");
  }

  /** Sends so many of the messages that an array of mmsghdr describes; how many went. */
  int sendMany(MemorySegment headers, int count) {
    return count(socket.sendMany(headers.address(), count), "sendmmsg");
  }

  /** Takes up to so many messages into what an array of mmsghdr describes; how many came. */
  int receiveMany(MemorySegment headers, int count, int flags) {
    return count(socket.receiveMany(headers.address(), count, flags), "recvmmsg");
  }

  private static int count(long result, String call) {
    if (result >= 0) {
      return (int) result;
    }
    Errno errno = Errno.of((int) -result);
    return switch (errno) {
      // ENOBUFS, ENOMEM: a queue on the way is full. EINTR: JVMs send their threads signals.
      // ECONNREFUSED: an earlier datagram met the other end before it opened, or after it closed.
      case EAGAIN, ENOBUFS, ENOMEM, EINTR, ECONNREFUSED -> NOTHING;
      default ->
          throw new LabException(
              "%s on a socket failed: %s (%d).".formatted(call, errno.meaning(), -result));
    };
  }

  @Override
  public void close() {
    socket.close();
    arena.close();
  }
}
