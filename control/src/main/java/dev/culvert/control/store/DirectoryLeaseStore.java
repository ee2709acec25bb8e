// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.LeaseDirectory.Contents;
import dev.culvert.control.store.LeaseDirectory.Held;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
 * generation until the subnet is claimed again. Watching uses the kernel's notifications, looks at
 * the directory's time every second, and reads everything again every few seconds for what both
 * miss. A file that makes no sense is reported in {@link #problems()}, and the lease that it held
 * before stays until the file makes sense again or is removed; after a restart nothing is known of
 * what it held before.
 *
 * <p>Any thread may call. Revisions count what this instance saw.
 */
public final class DirectoryLeaseStore implements LeaseStore {
  /**
   * What was written no longer ago may not be all that there is: living hosts whose leases got lost
   * need to notice, by looking every second at worst, and to write them again.
   */
  static final Duration NEW = Duration.ofMillis(1500);

  private final DirectoryLock lock;
  private final LeaseDirectory directory;
  private final NetworkFiles networks;
  private final EventJournal journal;
  private final DirectoryWatcher.Notifications notifications;
  private final Object reading = new Object();
  private final Object starting = new Object();
  private volatile DirectoryWatcher watcher;
  private volatile boolean closed;
  private volatile List<String> fileProblems = List.of();

  /**
   * As the other constructor, with the port that RFC 7348 assigns.
   *
   * @param directory made where it is missing, see there
   */
  public DirectoryLeaseStore(Path directory) {
    this(directory, Vtep.VXLAN_PORT);
  }

  /**
   * Makes the directory where it is missing. If that cannot be, or takes too long (its file system
   * is away, hangs or is read-only), each call tries it again and says why it cannot be; the store
   * is there all the same.
   *
   * @param directory one that all hosts share, or that something copies between them
   * @param defaultPort the tunnel's UDP port where a file names none
   */
  public DirectoryLeaseStore(Path directory, int defaultPort) {
    this(directory, defaultPort, DirectoryWatcher.Notifications.ofKernel());
  }

  /**
   * {@return whether a store was opened there before, so that opening one makes nothing} Waits for
   * the file system.
   *
   * @param directory perhaps a mount point, and empty
   */
  public static boolean isAt(Path directory) {
    Objects.requireNonNull(directory, "directory");
    return Files.exists(directory.resolve(DirectoryLock.NAME));
  }

  DirectoryLeaseStore(
      Path directory, int defaultPort, DirectoryWatcher.Notifications notifications) {
    this.lock = new DirectoryLock(Objects.requireNonNull(directory, "directory"));
    this.directory = new LeaseDirectory(lock.directory(), defaultPort);
    this.networks = new NetworkFiles(this.directory);
    this.journal = new EventJournal("culvert-leases-" + lock.directory().getFileName());
    this.notifications = notifications;
    lock.tryToOpen();
  }

  @Override
  public List<Lease> list() {
    return read().list();
  }

  @Override
  public Result acquire(Lease lease) {
    Objects.requireNonNull(lease, "lease");
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
    Objects.requireNonNull(held, "held");
    Objects.requireNonNull(wanted, "wanted");
    return change(() -> {
      Held there = read().leases().get(held.subnet());
      if (there == null) {
        return new Result.Gone(held.subnet());
      }
      if (!there.lease().equals(held)) {
        return new Result.Conflict(there.lease());
      }
      Lease stored = wanted.withGeneration(Math.max(held.generation() + 1, wanted.generation()));
      directory.replace(there.file(), stored);
      return new Result.Done(stored);
    });
  }

  @Override
  public void release(Lease held) {
    Objects.requireNonNull(held, "held");
    change(() -> {
      Held there = read().leases().get(held.subnet());
      if (there != null && there.lease().equals(held)) {
        directory.release(there);
      }
      return null;
    });
  }

  @Override
  public Optional<NetworkSettings> network(Vni vni) {
    Objects.requireNonNull(vni, "vni");
    requireOpen();
    Object _ = lock.open();
    return networks.read(vni);
  }

  /** A file that makes no sense is somebody's who is about to mend it, and stays. */
  @Override
  public boolean putNetwork(
      Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(expected, "expected");
    Objects.requireNonNull(wanted, "wanted");
    wanted.ifPresent(settings -> settings.require(vni));
    return change(() -> {
      boolean unchanged =
          networks.read(vni).equals(expected) && expected.isPresent() == networks.isThere(vni);
      if (unchanged) {
        wanted.ifPresentOrElse(networks::write, () -> networks.remove(vni));
      }
      return unchanged;
    });
  }

  @Override
  public AutoCloseable watch(Consumer<LeaseEvent> listener) {
    Objects.requireNonNull(listener, "listener");
    synchronized (starting) {
      requireOpen();
      if (watcher == null) {
        Object _ = lock.open();
        watcher = DirectoryWatcher.start(lock.directory(), notifications, this::refresh);
        if (closed) {
          watcher.close();
        }
      }
    }
    return journal.watch(listener);
  }

  /**
   * {@inheritDoc}
   *
   * <p>It looks new while all leases in it, static ones aside, were written within the last second
   * and a half, by the clock of the file system; without any, while the directory or its mark is no
   * older.
   */
  @Override
  public boolean looksNew() {
    // Without the lock: newcomers ask again and again, and would keep it from who has a lease to
    // write.
    Instant oldest = directory.oldestSign(read(), lock.mark());
    return directory.now().isBefore(oldest.plus(NEW));
  }

  /** {@inheritDoc} That of the file system, which is a file server's perhaps. */
  @Override
  public Optional<Instant> time() {
    requireOpen();
    Object _ = lock.open();
    return Optional.of(directory.now());
  }

  @Override
  public List<String> problems() {
    if (closed) {
      return List.of(closedSentence());
    }
    List<String> problems = new ArrayList<>(fileProblems);
    DirectoryWatcher started = watcher;
    if (started != null) {
      started.problem().ifPresent(problems::add);
    }
    return List.copyOf(problems);
  }

  /** Does not wait for the file system. */
  @Override
  public void close() {
    closed = true;
    DirectoryWatcher started = watcher;
    if (started != null) {
      started.close();
    }
    journal.close();
  }

  private void requireOpen() {
    if (closed) {
      throw new LeaseStoreException(closedSentence());
    }
  }

  private String closedSentence() {
    return "The store of the lease directory "
        + lock.directory()
        + " was closed while an overlay uses it; close overlays first.";
  }

  /** One at a time, or what was read first could be noted last. */
  private void refresh() {
    synchronized (reading) {
      journal.update(read().bySubnet(), directory::wasReleased);
    }
  }

  private Contents read() {
    requireOpen();
    Object _ = lock.open();
    Contents contents = directory.read();
    List<String> problems = new ArrayList<>(contents.problems());
    problems.addAll(networks.problems());
    fileProblems = List.copyOf(problems);
    return contents;
  }

  private <T> T change(Supplier<T> change) {
    requireOpen();
    return lock.hold(() -> {
      directory.deleteTemporaryFiles();
      return change.get();
    });
  }
}
