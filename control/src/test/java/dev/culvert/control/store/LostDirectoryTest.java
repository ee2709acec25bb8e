// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStore.Result;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.datapath.Vtep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A lease directory that is not what it was: emptied, missing, new, or not told of. */
final class LostDirectoryTest {
  /** A look every second, with room for a slow machine; less than the slow rescan. */
  private static final int SOON_MS = 4000;

  @TempDir Path temporary;

  private Path directory() {
    return temporary.resolve("leases");
  }

  private static Lease acquire(LeaseStore store, String prefix, String host) {
    Result result = store.acquire(LeaseStoreContract.lease(prefix, 1, host));
    return assertInstanceOf(Result.Done.class, result).lease();
  }

  /** As if the file had been written an hour ago. */
  private static void age(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(3600)));
  }

  private void ageAll() throws IOException {
    try (var files = Files.list(directory())) {
      for (Path file : files.toList()) {
        age(file);
      }
    }
    age(directory());
  }

  private void removeAll() throws IOException {
    try (var files = Files.list(directory())) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory());
  }

  @Test
  void aDirectoryThatCannotBeMadeIsAnOutageOfEachCall() throws Exception {
    Path file = Files.createFile(temporary.resolve("file"));
    try (LeaseStore store = new DirectoryLeaseStore(file.resolve("leases"))) {
      var e = assertThrows(LeaseStoreException.class, store::list);
      assertTrue(e.getMessage().contains("/leases cannot be opened: "), e.getMessage());
      assertThrows(LeaseStoreException.class, () -> store.watch(event -> {}));
      Files.delete(file); // its file system is mounted
      Files.createDirectory(file);
      assertEquals("10.244.1.0/24", prefix(acquire(store, "10.244.1.0/24", "host-01")));
      store.watch(event -> {}).close();
    }
  }

  private static String prefix(Lease lease) {
    return lease.subnet().prefix().toString();
  }

  @Test
  void aDirectoryThatIsGoneIsToldAndMadeAnewByTheNextWhoStarts() throws Exception {
    try (LeaseStore store = new DirectoryLeaseStore(directory())) {
      Lease lease = acquire(store, "10.244.1.0/24", "host-01");
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, events.take());
        removeAll();
        var e = assertThrows(LeaseStoreException.class, () -> store.renew(lease, lease));
        assertTrue(e.getMessage().contains("/leases is gone: its file system"), e.getMessage());
        awaitProblem(store, "/leases is gone: its file system");
        assertFalse(Files.exists(directory()), "a mount point is not ours to make");

        new DirectoryLeaseStore(directory()).close();
        var gone = events.poll(SOON_MS, TimeUnit.MILLISECONDS);
        assertEquals(lease.subnet(), assertInstanceOf(LeaseEvent.Vanished.class, gone).subnet());
        assertInstanceOf(Result.Gone.class, store.renew(lease, lease));
        assertEquals(2, acquire(store, "10.244.1.0/24", "host-01").generation());
        assertEquals(List.of(), store.problems());
      }
    }
  }

  private static void awaitProblem(LeaseStore store, String part) throws InterruptedException {
    for (int i = 0; i < SOON_MS / 10; i++) {
      if (store.problems().stream().anyMatch(problem -> problem.contains(part))) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError(store.problems().toString());
  }

  @Test
  void aDirectoryLooksNewUntilItOrOneOfItsLeasesIsThreeSecondsOld() throws Exception {
    try (LeaseStore store = new DirectoryLeaseStore(directory())) {
      assertTrue(store.looksNew(), "made in this moment");
      ageAll();
      assertFalse(store.looksNew(), "old and empty");
      acquire(store, "10.244.1.0/24", "host-01");
      assertTrue(store.looksNew(), "all that it holds is new");
      ageAll();
      acquire(store, "10.244.2.0/24", "host-02");
      assertFalse(store.looksNew(), "one was there before");
    }
  }

  @Test
  void aDirectoryWhoseLeasesWereRemovedLooksNew() throws Exception {
    try (LeaseStore store = new DirectoryLeaseStore(directory())) {
      acquire(store, "10.244.1.0/24", "host-01");
      ageAll();
      Files.delete(directory().resolve("10.244.1.0-24.lease"));
      assertTrue(store.looksNew());
    }
  }

  /** Its writer's word stays where all else was lost, and says nothing of how old that is. */
  @Test
  void aStaticLeaseMakesNoDirectoryOld() throws Exception {
    try (LeaseStore store = new DirectoryLeaseStore(directory())) {
      store.acquire(
          LeaseStoreContract.lease("10.244.9.0/24", 1, "cellar").withTerm(Optional.empty()));
      ageAll();
      acquire(store, "10.244.1.0/24", "host-01");
      assertTrue(store.looksNew());
    }
  }

  @Test
  void withoutNotificationsTheDirectoryIsLookedAtAndThatIsSaid() throws Exception {
    AtomicBoolean exhausted = new AtomicBoolean(true);
    DirectoryWatcher.Notifications limited =
        directory -> {
          if (exhausted.get()) {
            throw new IOException("User limit of inotify instances reached");
          }
          return directory.getFileSystem().newWatchService();
        };
    try (LeaseStore store = new DirectoryLeaseStore(directory(), Vtep.VXLAN_PORT, limited);
        LeaseStore other = new DirectoryLeaseStore(directory())) {
      BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
      try (AutoCloseable _ = store.watch(events::add)) {
        assertInstanceOf(LeaseEvent.Snapshot.class, events.take());
        Lease lease = acquire(other, "10.244.1.0/24", "host-02");
        var told = events.poll(SOON_MS, TimeUnit.MILLISECONDS);
        assertEquals(lease, assertInstanceOf(LeaseEvent.Announced.class, told).lease());
        awaitProblem(store, "limit of inotify instances reached), so it is looked at every second");
        exhausted.set(false);
        for (int i = 0; !store.problems().isEmpty() && i < SOON_MS / 10; i++) {
          Thread.sleep(10);
        }
        assertEquals(List.of(), store.problems());
      }
    }
  }
}
