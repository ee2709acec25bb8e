// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.LeaseStoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * Lets one thread of one process at a time change a lease directory.
 *
 * <p>The lock file is also the directory's mark: it is made once, when a store is opened. If it is
 * missing later, the directory is not the one that was opened (an unmounted file system shows an
 * empty folder), and an empty folder must not pass for "all leases are gone".
 */
final class DirectoryLock {
  static final String NAME = ".lock";

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int POLL_MS = 5;

  private final Path directory;
  private final Path file;

  /**
   * One object for all stores of this directory in this JVM, of whatever class loader: file locks
   * are held by the process, and closing any channel on the file drops them all. An interned string
   * is such an object without a registry that would have to be cleaned up.
   */
  private final Object jvmWide;

  /** Makes the directory and its mark where they are missing. */
  DirectoryLock(Path directory) throws IOException {
    Files.createDirectories(directory);
    this.directory = directory.toRealPath();
    this.file = this.directory.resolve(NAME);
    this.jvmWide = ("dev.culvert.control.store.DirectoryLock:" + this.directory).intern();
    requirePlainFile();
    FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
  }

  /** Opening a pipe would wait for its reader. */
  private void requirePlainFile() {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new LeaseStoreException("The lock " + file + " is no plain file; remove it.");
    }
  }

  /** With symbolic links resolved. */
  Path directory() {
    return directory;
  }

  /** Fails when the directory is not the one that was opened. */
  void checkMark() {
    if (!Files.exists(file)) {
      throw lost();
    }
  }

  <T> T hold(Supplier<T> action) {
    synchronized (jvmWide) {
      requirePlainFile();
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
          FileLock lock = acquire(channel)) {
        assert lock.isValid();
        return action.get();
      } catch (NoSuchFileException e) {
        LeaseStoreException lost = lost();
        lost.initCause(e);
        throw lost;
      } catch (IOException e) {
        throw new LeaseStoreException(
            "The lease directory " + directory + " cannot be locked: " + e + ".", e);
      }
    }
  }

  private FileLock acquire(FileChannel channel) throws IOException {
    long deadlineNs = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return lock;
      }
      if (System.nanoTime() > deadlineNs) {
        throw new LeaseStoreException(
            "Another process has held the lock "
                + file
                + " for "
                + PATIENCE.toSeconds()
                + " seconds; see with \"fuser "
                + file
                + "\" whether it hangs.");
      }
      sleep();
    }
  }

  private void sleep() {
    try {
      Thread.sleep(POLL_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LeaseStoreException("Interrupted while waiting for the lock " + file + ".", e);
    }
  }

  private LeaseStoreException lost() {
    return new LeaseStoreException(
        "The lease directory "
            + directory
            + " has lost its mark "
            + NAME
            + ": its file system is not mounted, or the directory was emptied; mount it, or, if"
            + " every lease is to go, create an empty file of that name in it.");
  }
}
