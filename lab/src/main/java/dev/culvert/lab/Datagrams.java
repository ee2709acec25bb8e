// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;

/** UDP of every size, there and back, compared byte for byte. */
public final class Datagrams {
  private static final int PORT = 9002;
  private static final int MAX_BYTES = 65_507;
  private static final long PATIENCE_MS = 500;
  private static final int MAX_FAILURES = 10;

  private Datagrams() {}

  /**
   * Sends one datagram of each payload size and waits for its echo.
   *
   * @return what went wrong, by size; ends early after a few
   */
  public static List<String> echo(
      LabPlan.Container from, LabPlan.Container to, List<Integer> payloadBytes) {
    try (DatagramChannel server = Sockets.datagrams(to.namespace(), to.address(), PORT);
        DatagramChannel client = Sockets.datagrams(from.namespace(), from.address(), 0);
        Selector selector = Selector.open()) {
      FutureTask<Void> echoing = Transfer.background(() -> serve(server));
      client.configureBlocking(false);
      client.connect(new InetSocketAddress(to.address(), PORT));
      var _ = client.register(selector, SelectionKey.OP_READ);
      List<String> failures = new ArrayList<>();
      for (int size : payloadBytes) {
        if (echoing.isDone() || failures.size() >= MAX_FAILURES) {
          break;
        }
        exchange(client, selector, size, failures);
      }
      return failures;
    } catch (IOException e) {
      throw new LabException(
          "UDP from %s to %s broke: %s.".formatted(from.name(), to.name(), e.getMessage()), e);
    }
  }

  private static void exchange(
      DatagramChannel client, Selector selector, int size, List<String> failures)
      throws IOException {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    ByteBuffer sent = ByteBuffer.wrap(content);
    client.write(sent);
    ByteBuffer answer = ByteBuffer.allocate(MAX_BYTES);
    long deadlineMs = System.currentTimeMillis() + PATIENCE_MS;
    while (true) {
      long left = deadlineMs - System.currentTimeMillis();
      if (left <= 0 || selector.select(left) == 0) {
        failures.add(size + " bytes: no answer");
        return;
      }
      selector.selectedKeys().clear();
      int count = client.read(answer.clear());
      // An echo that comes too late belongs to a size that was given up.
      if (count == size) {
        if (!answer.flip().equals(sent.rewind())) {
          failures.add(size + " bytes: came back changed");
        }
        return;
      }
    }
  }

  private static Void serve(DatagramChannel server) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES);
    try {
      while (true) {
        SocketAddress sender = server.receive(buffer.clear());
        server.send(buffer.flip(), sender);
      }
    } catch (ClosedChannelException done) {
      return null;
    }
  }
}
