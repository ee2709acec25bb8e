// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.LeaseStoreException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Calls back when a directory changed and has been quiet for a moment, and now and then without a
 * reason: notifications get lost (overflow), never come (network file systems), or are not to be
 * had (all of the user's inotify watches are in use). So the directory's time is looked at every
 * second, and another directory in its place (removed and made anew, mounted over) is followed.
 */
final class DirectoryWatcher implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(DirectoryWatcher.class.getName());

  /**
   * An editor truncates and writes, or renames and creates, within a few milliseconds. The price is
   * that much delay for each new lease.
   */
  private static final long QUIET_MS = 100;

  /** A directory that is never quiet is read all the same. */
  private static final long LONGEST_DELAY_MS = 1000;

  /** How often the directory's own time is looked at, which says that a file came or went. */
  private static final long LOOK_MS = 1000;

  /** Whoever waits for a directory to come back must be quick: newcomers wait for it. */
  private static final long LOOK_WHILE_AWAY_MS = 300;

  /** How often all files are read though nothing speaks of a change. */
  private static final long RESCAN_MS = 5000;

  /** What the kernel tells of changes with; fails where there are no more of them. */
  interface Notifications {
    WatchService open(Path directory) throws IOException;

    static Notifications ofKernel() {
      return directory -> directory.getFileSystem().newWatchService();
    }
  }

  /** Which directory it is, and when something came or went in it. */
  private record Look(Object identity, FileTime changed) {
    static Look at(Path directory) throws IOException {
      BasicFileAttributes now = Files.readAttributes(directory, BasicFileAttributes.class);
      return new Look(now.fileKey(), now.lastModifiedTime());
    }
  }

  private final Path directory;
  private final Notifications notifications;
  private final Runnable listener;
  private final Thread thread;
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile WatchService service; // null while there is none to be had
  private WatchKey key; // of the thread alone, once it runs
  private Look last; // of the thread alone, once it runs
  private long readAtNs; // of the thread alone, once it runs
  private volatile String problem;
  private volatile String deaf;

  private DirectoryWatcher(Path directory, Notifications notifications, Runnable listener) {
    this.directory = directory;
    this.notifications = notifications;
    this.listener = listener;
    this.thread =
        Thread.ofPlatform()
            .name("culvert-watch-" + directory.getFileName())
            .daemon()
            .unstarted(this::watch);
  }

  /**
   * Calls once, so that nothing is missed, and then whenever there is a reason.
   *
   * @throws LeaseStoreException when the listener throws it at that first call
   */
  static DirectoryWatcher start(Path directory, Notifications notifications, Runnable listener) {
    DirectoryWatcher watcher = new DirectoryWatcher(directory, notifications, listener);
    try {
      // First watch, then read: what is written between the two is seen by either.
      watcher.follow(Look.at(directory));
      watcher.read();
    } catch (IOException e) {
      watcher.close();
      throw new LeaseStoreException(
          "The lease directory " + directory + " cannot be read: " + e + ".", e);
    } catch (LeaseStoreException e) {
      watcher.close();
      throw e;
    }
    watcher.thread.start();
    return watcher;
  }

  /** Why the directory cannot be followed at present, or only slowly. */
  Optional<String> problem() {
    return Optional.ofNullable(problem).or(() -> Optional.ofNullable(deaf));
  }

  @Override
  public void close() {
    closed.countDown();
    closeService();
  }

  private void closeService() {
    try {
      if (service != null) {
        service.close();
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "The watch of " + directory + " did not close cleanly.", e);
    }
  }

  /** Has the kernel tell of this very directory, as far as it can. */
  private void follow(Look look) {
    boolean same = last != null && last.identity().equals(look.identity());
    if (key != null && key.isValid() && same) {
      return;
    }
    try {
      if (service == null) {
        service = notifications.open(directory);
      }
      if (key != null) {
        key.cancel();
      }
      key =
          directory.register(
              service,
              StandardWatchEventKinds.ENTRY_CREATE,
              StandardWatchEventKinds.ENTRY_MODIFY,
              StandardWatchEventKinds.ENTRY_DELETE);
      deaf = null;
    } catch (IOException e) {
      key = null;
      deaf =
          "The kernel does not tell of changes in the lease directory "
              + directory
              + " ("
              + e.getMessage()
              + "), so it is looked at every second; raise fs.inotify.max_user_watches or"
              + " fs.inotify.max_user_instances.";
    }
    if (closed.getCount() == 0) {
      closeService(); // it was opened while somebody closed this
    }
  }

  /** The listener knows what it means that the directory is gone. */
  private void lookForItself() {
    try {
      read();
    } catch (LeaseStoreException e) {
      problem = e.getMessage();
    }
  }

  private void read() {
    readAtNs = System.nanoTime();
    listener.run();
  }

  private void watch() {
    while (closed.getCount() > 0) {
      try {
        boolean told = waitForChange();
        if (closed.getCount() > 0) {
          look(told);
        }
      } catch (ClosedWatchServiceException e) {
        return; // close() was called
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread, and without it no news would come.
      }
    }
  }

  /** Whether the kernel told of a change; comes back now and then in any case. */
  private boolean waitForChange() throws InterruptedException {
    long patienceMs = problem == null ? LOOK_MS : LOOK_WHILE_AWAY_MS;
    if (service == null) {
      boolean _ = closed.await(patienceMs, TimeUnit.MILLISECONDS);
      return false;
    }
    WatchKey changed = service.poll(patienceMs, TimeUnit.MILLISECONDS);
    boolean told = changed != null;
    long firstNs = System.nanoTime();
    while (changed != null) {
      changed.pollEvents(); // which file it was does not matter: everything is read again
      changed.reset();
      boolean late = System.nanoTime() - firstNs > TimeUnit.MILLISECONDS.toNanos(LONGEST_DELAY_MS);
      changed = late ? null : service.poll(QUIET_MS, TimeUnit.MILLISECONDS);
    }
    return told;
  }

  /** A directory that cannot be read withdraws nothing: what was known stays. */
  private void look(boolean told) {
    try {
      Look now = Look.at(directory);
      follow(now);
      boolean old = System.nanoTime() - readAtNs > TimeUnit.MILLISECONDS.toNanos(RESCAN_MS);
      if (told || old || problem != null || !Objects.equals(now, last)) {
        last = now;
        read();
      }
      problem = null;
    } catch (LeaseStoreException e) {
      problem = e.getMessage();
    } catch (NoSuchFileException e) {
      lookForItself();
    } catch (IOException e) {
      problem = "The lease directory " + directory + " cannot be read: " + e + ".";
    } catch (ClosedWatchServiceException e) {
      throw e;
    } catch (Throwable e) { // also an Error: or nothing would be followed any more
      String sentence = "The lease directory " + directory + " could not be followed: " + e + ".";
      if (!sentence.equals(problem)) {
        LOG.log(Level.ERROR, sentence, e);
      }
      problem = sentence;
    }
  }
}
