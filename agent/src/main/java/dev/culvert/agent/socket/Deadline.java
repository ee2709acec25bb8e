// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * Closes a channel when its time is up, unless it is closed before: a blocking channel has no
 * timeout of its own. Whoever is blocked on the channel then gets an {@link
 * java.nio.channels.AsynchronousCloseException}.
 */
final class Deadline implements AutoCloseable {
  private final Thread thread;

  private Deadline(Thread thread) {
    this.thread = thread;
  }

  static Deadline start(SocketChannel channel, Duration patience) {
    return new Deadline(
        Thread.ofPlatform()
            .daemon()
            .name("control-deadline")
            .start(() -> closeAfter(channel, patience)));
  }

  private static void closeAfter(SocketChannel channel, Duration patience) {
    try {
      Thread.sleep(patience);
      channel.close();
    } catch (InterruptedException | IOException e) {
      // In time, or closed by the other side already.
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
