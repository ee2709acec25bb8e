// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.lab.LabException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * TCP connections a second: one after the other is opened, accepted and reset. A reset leaves no
 * port waiting, so thousands fit into a turn.
 */
public final class ConnectionRate implements Measurement {
  private static final int PORT = 5204;
  private static final int BACKLOG = 1024;

  private static final Quantity RATE =
      Quantity.more("connections", "TCP connections, one after the other", "per second");

  private final Duration duration;

  public ConnectionRate(Duration duration) {
    this.duration = duration;
  }

  @Override
  public List<Quantity> quantities() {
    return List.of(RATE);
  }

  @Override
  public double seconds() {
    return duration.toMillis() / 1e3 + 0.1;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    InetSocketAddress address = address(contestant);
    ServerSocketChannel server =
        Side.SERVER.run(
            contestant.server(), () -> ServerSocketChannel.open().bind(address, BACKLOG));
    CompletableFuture<Integer> accepting =
        Side.SERVER.start(contestant.server(), () -> accept(server));
    try {
      return Map.of(RATE, Side.CLIENT.run(contestant.client(), () -> connect(address)));
    } finally {
      close(server);
      var _ = Side.join(accepting);
    }
  }

  private static InetSocketAddress address(Contestant contestant) {
    try {
      return new InetSocketAddress(InetAddress.getByName(contestant.server().address()), PORT);
    } catch (IOException e) {
      throw new LabException(contestant.server().address() + " is no address.", e);
    }
  }

  private static int accept(ServerSocketChannel server) throws IOException {
    int accepted = 0;
    while (true) {
      try {
        server.accept().close();
        accepted++;
      } catch (ClosedChannelException over) {
        return accepted;
      }
    }
  }

  private double connect(InetSocketAddress address) throws IOException {
    long beginNs = System.nanoTime();
    long endNs = beginNs + duration.toNanos();
    int connections = 0;
    while (System.nanoTime() < endNs) {
      try (SocketChannel channel = SocketChannel.open()) {
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        if (channel.connect(address)) {
          connections++;
        }
      }
    }
    return connections / ((System.nanoTime() - beginNs) / 1e9);
  }

  private static void close(ServerSocketChannel server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new LabException("Cannot close a listening socket: " + e.getMessage() + ".", e);
    }
  }
}
