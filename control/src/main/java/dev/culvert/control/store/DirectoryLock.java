// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.LeaseStoreException;
import java.io.IOException;
import java.lang.System.Logger.Level;
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
 * <p>The lock file is also the directory's mark: it is made once, when the directory is first used.
 * If it is missing later, the directory is not the one that was opened (an unmounted file system
 * shows an empty folder), and an empty folder must not pass for "all leases are gone". As long as
 * the directory could not be opened, each use tries anew.
 */
final class DirectoryLock {
  static final String NAME = ".lock";

  private static final System.Logger LOG = System.getLogger(DirectoryLock.class.getName());
  private static final Duration OPEN_PATIENCE = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int POLL_MS = 5;

  private final Path directory;
  private final Path file;

  /**
   * One object for all stores of this directory in this JVM, of whatever class loader: file locks
   * are held by the process, and closing any channel on the file drops them all. An interned string
   * is such an object without a registry that would have to be cleaned up. Null until the directory
   * was opened.
   */
  private volatile Object jvmWide;

  /** Touches no file. */
  DirectoryLock(Path directory) {
    this.directory = directory.toAbsolutePath().normalize();
    this.file = this.directory.resolve(NAME);
  }

  /**
   * Makes the directory and its mark where they are missing, once; later a missing mark is an
   * error.
   *
   * @return what threads of this JVM agree by who may change the directory
   * @throws LeaseStoreException when that cannot be, or the mark is gone
   */
  Object open() {
    Object known = jvmWide;
    if (known != null) {
      checkMark();
      return known;
    }
    try {
      Files.createDirectories(directory);
      requirePlainFile();
      if (!Files.exists(file)) {
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
      }
      jvmWide = ("dev.culvert.control.store.DirectoryLock:" + directory.toRealPath()).intern();
      return jvmWide;
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The lease directory " + directory + " cannot be opened: " + e + ".", e);
    }
  }

  /** A file system may hang, and whoever makes a store need not wait for it: a thread does. */
  void tryToOpen() {
    Thread opening =
        Thread.ofPlatform()
            .daemon()
            .name("culvert-open-" + directory.getFileName())
            .unstarted(this::openOrNot);
    opening.start();
    try {
      boolean _ = opening.join(OPEN_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void openOrNot() {
    try {
      Object _ = open();
    } catch (LeaseStoreException e) {
      LOG.log(Level.DEBUG, "Whoever uses the store hears so.", e);
    }
  }

  /** Opening a pipe would wait for its reader. */
  private void requirePlainFile() {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new LeaseStoreException("The lock " + file + " is no plain file; remove it.");
    }
  }

  /** Absolute; a symbolic link in it is followed anew at each use. */
  Path directory() {
    return directory;
  }

  /** The lock file, which nothing changes once it is made. */
  Path mark() {
    return file;
  }

  /** Fails when the directory is not the one that was opened. */
  private void checkMark() {
    if (!Files.exists(file)) {
      throw lost();
    }
  }

  <T> T hold(Supplier<T> action) {
    Object monitor = open();
    synchronized (monitor) {
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
    if (!Files.exists(directory)) {
      return new LeaseStoreException(
          "The lease directory "
              + directory
              + " is gone: its file system is not mounted, or somebody removed it; mount it, or"
              + " restart an agent that makes it anew: those that live write their leases again.");
    }
    return new LeaseStoreException(
        "The lease directory "
            + directory
            + " has lost its mark "
            + NAME
            + ": its file system is not mounted, or the directory was emptied; mount it, or, if"
            + " every lease is to go, create an empty file of that name in it.");
  }
}
