// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/**
 * Bytes over one TCP connection, hashed on both sides. Each block carries its number, so that lost,
 * doubled or exchanged blocks change the hash: CRC-32C and CRC-32 side by side, which every JVM
 * computes at memory speed (SHA-256 only after its second compiler has run).
 */
public final class Transfer {
  /**
   * @param sent hash of what was sent, in hexadecimal
   * @param received hash of what arrived
   */
  public record Sums(long bytes, String sent, String received, double seconds) {
    public boolean intact() {
      return sent.equals(received);
    }

    public double gigabitsPerSecond() {
      return bytes * 8 / seconds / 1e9;
    }
  }

  private static final int BLOCK_BYTES = 1 << 18;
  private static final int PORT = 9001;
  private static final int CONNECT_MS = 3000;

  private Transfer() {}

  /**
   * Sends from one container to another.
   *
   * @param bytes rounded up to whole blocks of 256 KiB
   */
  public static Sums run(LabPlan.Container from, LabPlan.Container to, long bytes) {
    long blocks = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    long begunNs = System.nanoTime();
    try (ServerSocketChannel server = Sockets.listen(to.namespace(), to.address(), PORT)) {
      FutureTask<String> receiver = background(() -> receive(server));
      String sent;
      try (SocketChannel channel =
          Sockets.connect(from.namespace(), to.address(), PORT, CONNECT_MS)) {
        sent = send(channel, blocks);
      }
      String received = receiver.get();
      double seconds = (System.nanoTime() - begunNs) / 1e9;
      return new Sums(blocks * BLOCK_BYTES, sent, received, seconds);
    } catch (IOException | ExecutionException e) {
      throw new LabException(
          "TCP from %s to %s broke: %s.".formatted(from.name(), to.name(), e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("Interrupted.", e);
    }
  }

  static <T> FutureTask<T> background(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    var _ = Thread.ofPlatform().daemon().name("lab-peer").start(task);
    return task;
  }

  private static String send(SocketChannel channel, long blocks) throws IOException {
    Hash hash = new Hash();
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    byte[] content = new byte[BLOCK_BYTES];
    new Random(1).nextBytes(content);
    block.put(content);
    for (long number = 0; number < blocks; number++) {
      block.clear().putLong(0, number);
      hash.update(block);
      while (block.hasRemaining()) {
        channel.write(block);
      }
    }
    return hash.text();
  }

  private static String receive(ServerSocketChannel server) throws IOException {
    Hash hash = new Hash();
    ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK_BYTES);
    try (SocketChannel channel = server.accept()) {
      while (channel.read(buffer) >= 0) {
        hash.update(buffer.flip());
        buffer.clear();
      }
    }
    return hash.text();
  }

  private static final class Hash {
    private final Checksum castagnoli = new CRC32C();
    private final Checksum ethernet = new CRC32();

    /** Leaves the buffer's position alone. */
    void update(ByteBuffer bytes) {
      castagnoli.update(bytes.duplicate());
      ethernet.update(bytes.duplicate());
    }

    String text() {
      return "%08x%08x".formatted(castagnoli.getValue(), ethernet.getValue());
    }
  }
}
