// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.store.LeaseDirectory.Contents;
import dev.culvert.control.store.LeaseDirectory.Held;
import dev.culvert.datapath.Vtep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The embedded default: one file for each lease in a directory that several agents of one machine
 * (or of several, on a shared file system) have in common. No server, and people read and write the
 * same files: a lease written by hand is a static peer. The format is in docs/lease-files.md:
 *
 * <pre>
 * # 10.244.2.0-24.lease
 * subnet = 10.244.2.0/24
 * vni = 1
 * host = host-02
 * address = 10.18.2.2
 * mac = 02:00:0a:12:02:02
 * </pre>
 *
 * <p>Changes are made under a file lock and appear whole; a crash leaves at most a temporary file,
 * which the next change removes. What was released leaves a hidden file that remembers the
 * generation until the subnet is claimed again. Watching uses the kernel's notifications, and reads
 * everything again every few seconds for what they miss. A file that makes no sense is reported in
 * {@link #problems()}, and the lease that it held before stays until the file makes sense again or
 * is removed; after a restart nothing is known of what it held before.
 *
 * <p>Any thread may call. Revisions count what this instance saw.
 */
public final class DirectoryLeaseStore implements LeaseStore {
  private final DirectoryLock lock;
  private final LeaseDirectory directory;
  private final EventJournal journal;
  private final Object reading = new Object();
  private DirectoryWatcher watcher;
  private volatile List<String> fileProblems = List.of();

  /**
   * As the other constructor, with the port that RFC 7348 assigns.
   *
   * @param directory made where it is missing
   * @throws LeaseStoreException when that cannot be
   */
  public DirectoryLeaseStore(Path directory) {
    this(directory, Vtep.VXLAN_PORT);
  }

  /**
   * Opens the directory, making it where it is missing.
   *
   * @param directory one that all hosts share, or that something copies between them
   * @param defaultPort the tunnel's UDP port where a file names none
   * @throws LeaseStoreException when that cannot be
   */
  public DirectoryLeaseStore(Path directory, int defaultPort) {
    try {
      this.lock = new DirectoryLock(directory);
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The lease directory " + directory + " cannot be opened: " + e + ".", e);
    }
    this.directory = new LeaseDirectory(lock.directory(), defaultPort);
    this.journal = new EventJournal("culvert-leases-" + lock.directory().getFileName());
  }

  @Override
  public List<Lease> list() {
    return read().list();
  }

  @Override
  public Result acquire(Lease lease) {
    return change(() -> {
      Optional<Lease> taken = Overlaps.find(lease.subnet(), read().list());
      if (taken.isPresent()) {
        return new Result.Conflict(taken.get());
      }
      long generation =
          Math.max(lease.generation(), directory.highestGeneration(lease.subnet()) + 1);
      Lease stored = lease.withGeneration(generation);
      directory.create(stored);
      return new Result.Done(stored);
    });
  }

  @Override
  public Result renew(Lease held, Lease wanted) {
    return change(() -> {
      Held there = read().leases().get(held.subnet());
      if (there == null) {
        return new Result.Gone(held.subnet());
      }
      if (!there.lease().equals(held)) {
        return new Result.Conflict(there.lease());
      }
      Lease stored = wanted.withGeneration(held.generation() + 1);
      directory.replace(there.file(), stored);
      return new Result.Done(stored);
    });
  }

  @Override
  public void release(Lease held) {
    change(() -> {
      Held there = read().leases().get(held.subnet());
      if (there != null && there.lease().equals(held)) {
        directory.release(there);
      }
      return null;
    });
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> listener) {
    synchronized (this) {
      if (watcher == null) {
        // First watch, then read: what is written between the two is seen by either.
        DirectoryWatcher started = DirectoryWatcher.start(lock.directory(), this::refresh);
        try {
          refresh();
        } catch (LeaseStoreException e) {
          started.close();
          throw e;
        }
        watcher = started;
      }
    }
    return journal.watch(listener);
  }

  @Override
  public List<String> problems() {
    List<String> problems = new ArrayList<>(fileProblems);
    synchronized (this) {
      if (watcher != null) {
        watcher.problem().ifPresent(problems::add);
      }
    }
    return List.copyOf(problems);
  }

  @Override
  public void close() {
    synchronized (this) {
      if (watcher != null) {
        watcher.close();
      }
    }
    journal.close();
  }

  /** One at a time, or what was read first could be noted last. */
  private void refresh() {
    synchronized (reading) {
      journal.update(read().bySubnet(), directory::wasReleased);
    }
  }

  private Contents read() {
    lock.checkMark();
    Contents contents = directory.read();
    fileProblems = contents.problems();
    return contents;
  }

  private <T> T change(Supplier<T> change) {
    return lock.hold(() -> {
      directory.deleteTemporaryFiles();
      return change.get();
    });
  }
}
