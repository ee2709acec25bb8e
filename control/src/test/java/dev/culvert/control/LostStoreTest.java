// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.control.store.MemoryLeaseStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that is not what it was when hosts start, or while they run. */
final class LostStoreTest extends OverlayFixture {
  @TempDir Path temporary;

  private Overlay startIn(LeaseStore of, OverlayConfig config, FakeDatapath on) {
    Overlay overlay = Overlay.start(config, of, on, TimeSource.system());
    overlays.add(overlay);
    return overlay;
  }

  private static boolean says(Overlay overlay, String part) {
    return overlay.status().problems().stream().anyMatch(p -> p.contains(part));
  }

  private static void wipe(Path directory) throws Exception {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Test
  void aNewcomerToAWipedStoreGetsNoLivingHostsSubnet() throws Exception {
    Path leases = temporary.resolve("leases");
    try (LeaseStore own = new DirectoryLeaseStore(leases);
        LeaseStore other = new DirectoryLeaseStore(leases)) {
      Overlay living = startIn(own, config("host-01", "10.17.2.2"), datapath);
      await("the snapshot", () -> living.status().storeRevision() > 0);
      wipe(leases);
      // Another process: it makes the directory when it starts.
      try (LeaseStore fresh = new DirectoryLeaseStore(leases)) {
        Overlay newcomer = startIn(fresh, config("host-02", "10.18.2.2"), new FakeDatapath());
        assertEquals(subnet("10.244.2.0/24"), newcomer.status().lease().orElseThrow().subnet());
        assertEquals(subnet("10.244.1.0/24"), living.status().lease().orElseThrow().subnet());
        await("no problem", () -> living.status().problems().isEmpty());
        assertEquals(2, other.list().size());
        newcomer.close();
      }
      living.close();
    }
  }

  /** Nothing is taken from what the kernel has, and the store is used as soon as it is there. */
  @Test
  void aRestartWithAStoreThatCannotBeOpenedGoesOnWithWhatTheKernelHas() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay first = start();
    await("the peer", () -> remotes(first).size() == 1);
    first.close();

    Path place = Files.createFile(temporary.resolve("not-mounted"));
    try (LeaseStore away = new DirectoryLeaseStore(place.resolve("leases"))) {
      Overlay second = startIn(away, config("host-01", "10.17.2.2"), datapath);
      assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(second));
      assertEquals(subnet("10.244.1.0/24"), second.status().lease().orElseThrow().subnet());
      assertTrue(says(second, "cannot be opened"), second.status().problems().toString());
      Files.delete(place);
      await("the lease", () -> Files.exists(place.resolve("leases/10.244.1.0-24.lease")));
      assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(second));
      second.close();
    }
  }

  /** Or two states of one lease would bear one generation, and nobody could tell the newer. */
  @Test
  void anOldLeaseFromABackupIsGoneOnFromAboveWhatItsHolderKnows() throws Exception {
    Path leases = temporary.resolve("leases");
    Path file = leases.resolve("10.244.1.0-24.lease");
    try (LeaseStore own = new DirectoryLeaseStore(leases)) {
      Overlay living = startIn(own, config("host-01", "10.17.2.2"), datapath);
      await("the snapshot", () -> living.status().storeRevision() > 0);
      String old = Files.readString(file);
      living.moveTo(address("10.17.2.3"));
      await("moved", () -> generation(living) == 2);
      living.moveTo(address("10.17.2.2"));
      await("moved back", () -> generation(living) == 3);
      AtomicLong heard = new AtomicLong();
      AutoCloseable watch =
          own.watch(event -> {
            if (event instanceof LeaseEvent.Announced(long _, Lease lease)) {
              heard.set(lease.generation());
            } else if (event instanceof LeaseEvent.Snapshot(long _, List<Lease> all)) {
              heard.set(all.getFirst().generation());
            }
          });
      await("it is heard", () -> heard.get() == 3);
      watch.close();
      Files.writeString(file, old);
      await("taken again", () -> own.list().getFirst().generation() != 1);
      assertEquals(4, own.list().getFirst().generation());
      await("held", () -> generation(living) == 4);
      living.close();
    }
  }

  private static long generation(Overlay overlay) {
    return overlay.status().lease().orElseThrow().generation();
  }

  @Test
  void aNewcomerWithAStoreThatCannotBeOpenedIsToldWhy() throws Exception {
    Path file = Files.createFile(temporary.resolve("file"));
    try (LeaseStore away = new DirectoryLeaseStore(file)) {
      OverlayConfig config = config("host-01", "10.17.2.2");
      var e = assertThrows(LeaseStoreException.class, () -> startIn(away, config, datapath));
      assertTrue(e.getMessage().contains("file cannot be opened: "), e.getMessage());
    }
  }

  /** A dead file server: the call never comes back, and nobody waits for it without end. */
  @Test
  void aRestartWithAStoreThatHangsGoesOnWithWhatTheKernelHas() {
    start().close();
    CountDownLatch hung = new CountDownLatch(1);
    HostileStore hostile = new HostileStore(memory);
    hostile.hang(hung);
    try {
      assertTimeoutPreemptively(
          Duration.ofSeconds(50),
          () -> {
            Overlay again = startIn(hostile, config("host-01", "10.17.2.2"), datapath);
            assertEquals(subnet("10.244.1.0/24"), again.status().lease().orElseThrow().subnet());
            assertTrue(says(again, "has not answered \"list\""));
            again.close();
          });
    } finally {
      hung.countDown();
    }
  }

  @Test
  void aStoreThatIsClosedFirstIsAProblem() throws Exception {
    MemoryLeaseStore closed = new MemoryLeaseStore();
    Overlay overlay = startIn(closed, config("host-01", "10.17.2.2"), datapath);
    assertEquals(List.of(), overlay.status().problems());
    closed.close();
    await("the sentence", () -> says(overlay, "was closed while an overlay uses it"));
    clock.advance(Duration.ofSeconds(10));
    await("it is asked again", () -> !overlay.status().storeConnected());
  }
}
