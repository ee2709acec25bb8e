// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Callable;

/**
 * Sockets of this process that belong to a namespace: made there, used from any thread. So the
 * lab's small clients and servers need no programs of their own.
 */
public final class Sockets {
  private Sockets() {}

  public static ServerSocketChannel listen(String namespace, String address, int port)
      throws IOException {
    ServerSocketChannel server = in(namespace, ServerSocketChannel::open);
    return server.bind(new InetSocketAddress(InetAddress.getByName(address), port));
  }

  /** Connects, or fails after the kernel's patience, which here is that of one lost SYN or two. */
  public static SocketChannel connect(String namespace, String address, int port, int timeoutMs)
      throws IOException {
    SocketChannel channel = in(namespace, SocketChannel::open);
    try {
      channel
          .socket()
          .connect(new InetSocketAddress(InetAddress.getByName(address), port), timeoutMs);
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  public static DatagramChannel datagrams(String namespace, String address, int port)
      throws IOException {
    DatagramChannel channel = in(namespace, DatagramChannel::open);
    channel.setOption(StandardSocketOptions.SO_RCVBUF, 1 << 20);
    return channel.bind(new InetSocketAddress(InetAddress.getByName(address), port));
  }

  private static <T> T in(String namespace, Callable<T> open) throws IOException {
    try (NetNamespace entered = NetNamespace.open(Libc.system(), Namespaces.path(namespace))) {
      return entered.call(open);
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("Cannot open a socket in " + namespace + ".", e);
    }
  }
}
