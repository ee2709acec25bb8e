// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/** Lines of UTF-8 over a stream socket, each within a time. Used by one thread. */
final class LineChannel implements AutoCloseable {
  // A status of some ten thousand subnets fits; a peer that never ends its line does not fill the
  // heap.
  private static final int MAX_LINE_BYTES = 16 << 20;

  private final SocketChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocate(8192).flip();

  LineChannel(SocketChannel channel) {
    this.channel = channel;
  }

  /**
   * The next line without its end; empty when the other side closed.
   *
   * @throws java.nio.channels.AsynchronousCloseException when it did not come in time
   */
  Optional<String> read(Duration patience) throws IOException {
    try (Deadline _ = Deadline.start(channel, patience)) {
      return read();
    }
  }

  private Optional<String> read() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      while (buffer.hasRemaining()) {
        byte b = buffer.get();
        if (b == '\n') {
          return Optional.of(line.toString(StandardCharsets.UTF_8));
        }
        line.write(b);
      }
      if (line.size() > MAX_LINE_BYTES) {
        throw new IOException("a line longer than " + MAX_LINE_BYTES + " bytes");
      }
      buffer.clear();
      int count = channel.read(buffer);
      buffer.flip();
      if (count < 0) {
        return Optional.empty();
      }
    }
  }

  /**
   * Writes a line.
   *
   * @throws java.nio.channels.AsynchronousCloseException when the other side did not read in time
   */
  void write(String line, Duration patience) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    try (Deadline _ = Deadline.start(channel, patience)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
