// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.kernel.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A TCP service that tells each client who answers and from which address it seems to call. */
public final class Greeter implements AutoCloseable {
  private static final int CONNECT_MS = 500;

  /**
   * An answer.
   *
   * @param server the container or machine that answered
   * @param clientAddress the client's, as the server sees it
   */
  public record Greeting(String server, String clientAddress) {}

  private final ServerSocketChannel server;

  private Greeter(ServerSocketChannel server) {
    this.server = server;
  }

  public static Greeter start(LabPlan.Container container, int port) {
    return start(container.name(), container.namespace(), container.address(), port);
  }

  /**
   * As the other, for what is no container.
   *
   * @param name that it tells
   */
  public static Greeter start(String name, String namespace, String address, int port) {
    try {
      ServerSocketChannel server = Sockets.listen(namespace, address, port);
      var _ = Transfer.background(() -> serve(server, name));
      return new Greeter(server);
    } catch (IOException e) {
      throw new LabException(
          "Cannot listen on port %d of %s: %s.".formatted(port, name, e.getMessage()), e);
    }
  }

  private static Void serve(ServerSocketChannel server, String name) throws IOException {
    while (true) {
      try (SocketChannel client = server.accept()) {
        InetSocketAddress from = (InetSocketAddress) client.getRemoteAddress();
        String text = name + " " + IpAddresses.text(from.getAddress());
        client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
      }
    }
  }

  /**
   * Calls a service.
   *
   * @throws LabException when nobody answers
   */
  public static Greeting call(LabPlan.Container from, String address, int port) {
    try (SocketChannel channel = Sockets.connect(from.namespace(), address, port, CONNECT_MS)) {
      ByteBuffer answer = ByteBuffer.allocate(200);
      int count;
      do {
        count = channel.read(answer);
      } while (count >= 0);
      String[] words =
          new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII)
              .split(" ", -1);
      return new Greeting(words[0], words[1]);
    } catch (IOException e) {
      throw new LabException(
          "No answer from %s port %d: %s.".formatted(address, port, e.getMessage()), e);
    }
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new LabException("Cannot close a socket: " + e.getMessage() + ".", e);
    }
  }
}
