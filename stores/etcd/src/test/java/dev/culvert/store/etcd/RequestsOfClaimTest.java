// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore.Result;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.datapath.Vni;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a host that starts asks of etcd, and that it rests on nothing that is not so any more. */
@Tag("store")
final class RequestsOfClaimTest {
  private static EtcdProcess etcd;
  private static int tests;

  private EtcdLeaseStore store;
  private EtcdLeaseStore other;

  @BeforeAll
  static void startEtcd() throws Exception {
    etcd = EtcdProcess.start();
  }

  @AfterAll
  static void stopEtcd() {
    etcd.close();
  }

  private static String prefix() {
    return "/culvert-test-" + tests;
  }

  /** It has been in use for long: the mark is there, and it looks new to nobody. */
  @BeforeEach
  void open() {
    try (Gateway admin = new Gateway(etcd.config(prefix()))) {
      Json _ =
          admin.call("kv/put", Requests.put(new Keys(prefix()).mark(), "\n"), Gateway.Kind.WRITE);
    }
    store = new EtcdLeaseStore(etcd.config(prefix()));
    other = new EtcdLeaseStore(etcd.config(prefix()));
    assertFalse(other.looksNew());
  }

  @AfterEach
  void close() {
    store.close();
    other.close();
    tests++;
  }

  private static List<Lease> wanted(String... prefixes) {
    return Stream.of(prefixes).map(prefix -> lease(prefix, 1, "host-01")).toList();
  }

  private static Lease snapshotOfOne(BlockingQueue<LeaseEvent> events) throws Exception {
    var snapshot = assertInstanceOf(LeaseEvent.Snapshot.class, events.poll(10, TimeUnit.SECONDS));
    assertEquals(1, snapshot.leases().size());
    return snapshot.leases().getFirst();
  }

  /** As FirstLease asks: one reading, one claim, and the watch. */
  @Test
  void aHostThatStartsAsksThreeTimes() throws Exception {
    assertFalse(store.looksNew());
    assertTrue(store.network(new Vni(1)).isEmpty());
    assertEquals(List.of(), store.list());
    Lease own = done(store.acquireFirst(wanted("10.244.1.0/24", "10.244.2.0/24")));
    assertEquals(2, store.requests());

    BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
    AutoCloseable _ = store.watch(events::add);
    assertEquals(own, snapshotOfOne(events), "its own lease is there from the beginning");
    Lease later = done(other.acquire(lease("10.244.9.0/24", 1, "host-09")));
    assertInstanceOf(LeaseEvent.Announced.class, events.poll(10, TimeUnit.SECONDS));
    assertEquals(List.of(own, later), other.list());
    assertEquals(3, store.requests());
  }

  /** An audit is one request, and finds nothing where nothing was missed. */
  @Test
  void anIdleWatchIsAuditedAndNotBegunAnew() throws Exception {
    done(other.acquire(lease("10.244.1.0/24", 1, "host-01")));
    AutoCloseable _ = store.watch(event -> {});
    Thread.sleep(9_000); // an audit after five seconds; what is missed is read three later
    store.probe(); // the audit has shown it already
    assertEquals(3, store.requests());
  }

  @Test
  void whoComesSecondGetsASpareInTheSameRequest() {
    assertEquals(List.of(), store.list());
    Lease first = done(other.acquire(lease("10.244.1.0/24", 1, "host-02")));

    Lease own = done(store.acquireFirst(wanted("10.244.1.0/24", "10.244.2.0/24")));

    assertEquals("10.244.2.0/24", own.subnet().prefix().toString());
    assertEquals(2, store.requests());
    assertEquals(List.of(first, own), other.list());
  }

  @Test
  void whoLosesAllLearnsWhatIsThereByLosing() {
    assertEquals(List.of(), store.list());
    Lease first = done(other.acquire(lease("10.244.1.0/24", 1, "host-02")));

    assertEquals(new Result.Conflict(first), store.acquireFirst(wanted("10.244.1.0/24")));
    assertEquals(List.of(first), store.list());
    done(store.acquireFirst(wanted("10.244.2.0/24")));

    assertEquals(3, store.requests());
  }

  @Test
  void whatWasClaimedMeanwhileWithAnotherLengthIsSeen() {
    assertEquals(List.of(), store.list());
    Lease narrow = done(other.acquire(lease("10.244.1.128/25", 1, "host-02")));

    Lease own = done(store.acquireFirst(wanted("10.244.1.0/24", "10.244.2.0/24")));

    assertEquals("10.244.2.0/24", own.subnet().prefix().toString());
    assertEquals(List.of(narrow, own), other.list());
    assertEquals(3, store.requests());
  }

  @Test
  void whatWasReleasedMeanwhileIsFreeAndItsGenerationCounts() {
    Lease first = done(other.acquire(lease("10.244.1.0/24", 1, "host-02").withGeneration(7)));
    assertEquals(List.of(first), store.list());
    other.release(first);

    assertEquals(8, done(store.acquire(wanted("10.244.1.0/24").getFirst())).generation());
  }

  @Test
  void whoListsTwiceIsToldOfChanges() {
    assertFalse(store.looksNew());
    assertEquals(List.of(), store.list());
    Lease first = done(other.acquire(lease("10.244.1.0/24", 1, "host-02")));
    assertEquals(List.of(first), store.list());
  }

  @Test
  void aKeyThatHoldsNoLeaseIsNobodysAndNamed() {
    try (Gateway gateway = new Gateway(etcd.config(prefix()))) {
      String key = prefix() + "/leases/1/24/10.244.1.0";
      var _ = gateway.call("kv/put", Requests.put(key, "mine"), Gateway.Kind.WRITE);
      var only = wanted("10.244.1.0/24").getFirst();
      var e = assertThrows(LeaseStoreException.class, () -> store.acquire(only));
      assertTrue(e.getMessage().contains(key), e.getMessage());

      Lease own = done(store.acquireFirst(wanted("10.244.1.0/24", "10.244.2.0/24")));
      assertEquals("10.244.2.0/24", own.subnet().prefix().toString());
    }
  }
}
