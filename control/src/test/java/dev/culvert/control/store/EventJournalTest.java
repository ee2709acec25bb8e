// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseEvent.Snapshot;
import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class EventJournalTest {
  private final EventJournal journal = new EventJournal("culvert-test-journal");
  private final BlockingQueue<LeaseEvent> heard = new LinkedBlockingQueue<>();

  @AfterEach
  void close() {
    journal.close();
  }

  private static SortedMap<Subnet, Lease> leases(int generation) {
    Lease lease =
        LeaseStoreContract.lease("10.244.1.0/24", 1, "host-01").withGeneration(generation);
    return new TreeMap<>(java.util.Map.of(lease.subnet(), lease));
  }

  /** Its queue does not grow without end, and it ends with what is so. */
  @Test
  void aWatcherFarBehindHearsASnapshotInPlaceOfWhatItMissed() throws Exception {
    Semaphore permits = new Semaphore(0);
    AutoCloseable _ =
        journal.watch(event -> {
          permits.acquireUninterruptibly();
          heard.add(event);
        });
    int changes = EventJournal.MOST_WAITING + 10;
    for (int generation = 1; generation <= changes; generation++) {
      journal.update(leases(generation), _ -> true);
    }
    permits.release(Integer.MAX_VALUE);

    LeaseEvent first = heard.poll(10, TimeUnit.SECONDS);
    assertEquals(new Snapshot(0, List.of()), first);
    Snapshot caughtUp = assertInstanceOf(Snapshot.class, heard.poll(10, TimeUnit.SECONDS));
    assertEquals(changes, caughtUp.leases().getFirst().generation());
    assertEquals(changes, caughtUp.revision());
    journal.update(leases(changes + 1), _ -> true);
    assertInstanceOf(LeaseEvent.Announced.class, heard.poll(10, TimeUnit.SECONDS));
  }

  @Test
  void anErrorOfAWatcherDoesNotSilenceIt() throws Exception {
    AutoCloseable _ =
        journal.watch(event -> {
          heard.add(event);
          throw new StackOverflowError("on purpose");
        });
    journal.update(leases(1), _ -> true);
    assertInstanceOf(Snapshot.class, heard.poll(10, TimeUnit.SECONDS));
    assertInstanceOf(LeaseEvent.Announced.class, heard.poll(10, TimeUnit.SECONDS));
  }

  @Test
  void nothingIsHeardAfterTheEnd() throws Exception {
    AutoCloseable watch = journal.watch(heard::add);
    assertTrue(heard.poll(10, TimeUnit.SECONDS) instanceof Snapshot);
    watch.close();
    journal.update(leases(1), _ -> true);
    assertNull(heard.poll(200, TimeUnit.MILLISECONDS));
  }

  @Test
  void whatWasGivenBackIsToldApartFromWhatVanished() throws Exception {
    AutoCloseable _ = journal.watch(heard::add);
    assertTrue(heard.poll(10, TimeUnit.SECONDS) instanceof Snapshot);
    for (boolean released : new boolean[] {true, false}) {
      journal.update(leases(1), _ -> true);
      assertInstanceOf(LeaseEvent.Announced.class, heard.poll(10, TimeUnit.SECONDS));
      journal.update(new TreeMap<>(), _ -> released);
      LeaseEvent gone = heard.poll(10, TimeUnit.SECONDS);
      assertEquals(released, gone instanceof LeaseEvent.Withdrawn);
      assertEquals(!released, gone instanceof LeaseEvent.Vanished);
    }
  }
}
