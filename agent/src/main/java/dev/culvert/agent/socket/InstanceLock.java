// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.culvert.agent.UserException;
import dev.culvert.control.HostName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Optional;

/**
 * One agent for each host name. The kernel lets go of the lock when its holder dies, however it
 * dies; the file stays behind and tells who was last.
 *
 * <p>The file is {@code <runDirectory>/<host>.lock}, one line: process number, time of start (ISO
 * 8601), configuration file; blanks between.
 */
public final class InstanceLock implements AutoCloseable {
  /** Who holds the lock, or held it last, and by which configuration. */
  public record Holder(long pid, Instant started, Path config) {}

  // A path is at most 4096 bytes (PATH_MAX, linux/limits.h).
  private static final int MAX_BYTES = 5000;

  private final Path file;
  private final FileChannel channel;

  private InstanceLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes the lock for {@code holder}, making the directory (mode 0700) when it is not there.
   *
   * @throws UserException when another agent holds it
   */
  public static InstanceLock acquire(Path file, HostName host, Holder holder) {
    try {
      if (!Files.isDirectory(file.getParent())) {
        Files.createDirectories(
            file.getParent(),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      FileChannel channel = FileChannel.open(file, CREATE, READ, WRITE);
      Object opened = inode(file);
      if (!lock(channel)) {
        String pid = holder(channel).map(other -> ", pid " + other.pid()).orElse("");
        channel.close();
        throw new UserException(
            "An agent for host %s already runs%s; stop it first, or give this one another host name."
                .formatted(host, pid));
      }
      if (!inode(file).equals(opened)) {
        // Its holder left, and took the file along, between our two steps.
        channel.close();
        return acquire(file, host, holder);
      }
      channel.truncate(0);
      String text = holder.pid() + " " + holder.started() + " " + holder.config() + "\n";
      channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
      return new InstanceLock(file, channel);
    } catch (IOException e) {
      throw new UserException(
          "Cannot lock " + file + ": " + e.getMessage() + "; run as root, or set runDirectory.", e);
    }
  }

  private static Object inode(Path file) throws IOException {
    return Files.exists(file) ? Files.getAttribute(file, "unix:ino") : "none";
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException heldByThisProcess) {
      return false;
    }
  }

  /** Who wrote the file last; empty when there is none. For other processes than the holder's. */
  public static Optional<Holder> last(Path file) {
    try (FileChannel channel = FileChannel.open(file, READ)) {
      return holder(channel);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<Holder> holder(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(MAX_BYTES);
    channel.read(buffer, 0);
    String[] words =
        new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8)
            .strip()
            .split(" ", 3);
    try {
      return Optional.of(
          new Holder(Long.parseLong(words[0]), Instant.parse(words[1]), Path.of(words[2])));
    } catch (RuntimeException halfWritten) {
      return Optional.empty();
    }
  }

  /** Gives the lock up and keeps the file, which tells who was last. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UserException("Cannot release " + file + ": " + e.getMessage() + ".", e);
    }
  }

  /** Gives the lock up and leaves no trace: after leaving the network. */
  public void remove() {
    try {
      // Before the lock goes, or we would delete the next agent's file.
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UserException("Cannot remove " + file + ": " + e.getMessage() + ".", e);
    } finally {
      close();
    }
  }
}
