// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.LeaseStoreException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Calls back when a directory changed and has been quiet for a moment, and now and then without a
 * reason: notifications get lost (overflow) or never come (network file systems).
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

  private static final long RESCAN_MS = 5000;

  private final Path directory;
  private final Runnable listener;
  private final WatchService service;
  private final Thread thread;
  private WatchKey key;
  private volatile String problem;

  private DirectoryWatcher(Path directory, Runnable listener) throws IOException {
    this.directory = directory;
    this.listener = listener;
    this.service = directory.getFileSystem().newWatchService();
    this.thread =
        Thread.ofPlatform()
            .name("culvert-watch-" + directory.getFileName())
            .daemon()
            .unstarted(this::watch);
  }

  static DirectoryWatcher start(Path directory, Runnable listener) {
    try {
      DirectoryWatcher watcher = new DirectoryWatcher(directory, listener);
      watcher.register();
      watcher.thread.start();
      return watcher;
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The lease directory " + directory + " cannot be watched: " + e + ".", e);
    }
  }

  /** Why the directory cannot be followed at present. */
  Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  @Override
  public void close() {
    try {
      service.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "The watch of " + directory + " did not close cleanly.", e);
    }
  }

  private void register() throws IOException {
    if (key == null || !key.isValid()) {
      key =
          directory.register(
              service,
              StandardWatchEventKinds.ENTRY_CREATE,
              StandardWatchEventKinds.ENTRY_MODIFY,
              StandardWatchEventKinds.ENTRY_DELETE);
    }
  }

  private void watch() {
    while (true) {
      try {
        waitForChange();
        refresh();
      } catch (ClosedWatchServiceException e) {
        return; // close() was called
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread, and without it no news would come.
      }
    }
  }

  private void waitForChange() throws InterruptedException {
    WatchKey changed = service.poll(RESCAN_MS, TimeUnit.MILLISECONDS);
    long firstNs = System.nanoTime();
    while (changed != null) {
      changed.pollEvents(); // which file it was does not matter: everything is read again
      changed.reset();
      boolean late = System.nanoTime() - firstNs > TimeUnit.MILLISECONDS.toNanos(LONGEST_DELAY_MS);
      changed = late ? null : service.poll(QUIET_MS, TimeUnit.MILLISECONDS);
    }
  }

  /** A directory that cannot be read withdraws nothing: what was known stays. */
  private void refresh() {
    try {
      register();
      listener.run();
      problem = null;
    } catch (LeaseStoreException e) {
      problem = e.getMessage();
    } catch (IOException e) {
      problem = "The lease directory " + directory + " cannot be watched: " + e + ".";
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
