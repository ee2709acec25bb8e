// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStore.Result;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store must do: extend it with a way to open yours. */
public abstract class LeaseStoreContract {
  private static final int WAIT_SECONDS = 10;

  private LeaseStore store;

  /** For those who extend it. */
  protected LeaseStoreContract() {}

  /** A store on the same leases each time within one test. */
  protected abstract LeaseStore open();

  /** So that nothing can be asked of it any more. */
  protected void closeForGood(LeaseStore opened) {
    opened.close();
  }

  public static Lease lease(String prefix, int vni, String host) {
    Vtep vtep =
        new Vtep(IpPrefix.parseAddress("10.17.2.2"), 4789, MacAddress.parse("02:00:0a:11:02:02"));
    return new Lease(
        new Subnet(new Vni(vni), IpPrefix.parse(prefix)), new HostName(host), vtep, 0, until(60));
  }

  public static Optional<Lease.Term> until(int seconds) {
    return Optional.of(
        Lease.Term.from(Instant.parse("2026-11-23T12:00:00Z"), Duration.ofSeconds(seconds)));
  }

  @BeforeEach
  void openStore() {
    store = open();
  }

  @AfterEach
  void closeStore() {
    store.close();
  }

  @Test
  void aClaimedSubnetIsListedInGenerationOne() {
    Lease claimed = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));

    assertEquals(lease("10.244.1.0/24", 1, "host-01").withGeneration(1), claimed);
    assertEquals(List.of(claimed), store.list());
  }

  @Test
  void aKnownEarlierGenerationIsExceeded() {
    assertEquals(
        8, done(store.acquire(lease("10.244.1.0/24", 1, "a").withGeneration(8))).generation());
  }

  @Test
  void aSubnetIsLeasedOnce() {
    Lease first = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));

    Result second = store.acquire(lease("10.244.1.0/24", 1, "host-02"));

    assertEquals(new Result.Conflict(first), second);
    assertEquals(List.of(first), store.list());
  }

  @Test
  void evenItsHolderCannotClaimItAgain() {
    Lease first = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    assertEquals(new Result.Conflict(first), store.acquire(lease("10.244.1.0/24", 1, "host-01")));
  }

  @Test
  void anOverlapOfOtherLengthIsAConflictBothWays() {
    Lease wide = done(store.acquire(lease("10.244.0.0/20", 1, "host-01")));
    assertEquals(new Result.Conflict(wide), store.acquire(lease("10.244.5.0/24", 1, "host-02")));

    Lease narrow = done(store.acquire(lease("10.244.32.128/25", 1, "host-03")));
    assertEquals(new Result.Conflict(narrow), store.acquire(lease("10.244.32.0/24", 1, "host-04")));
  }

  @Test
  void anotherNetworkMayUseTheSameAddresses() {
    Lease one = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    Lease two = done(store.acquire(lease("10.244.1.0/24", 2, "host-01")));
    assertEquals(List.of(one, two), store.list());
  }

  @Test
  void ipv6SubnetsAreLeasedToo() {
    Lease six = done(store.acquire(lease("fd00:10:244:1::/64", 1, "host-01")));
    assertEquals(List.of(six), store.list());
    assertEquals(new Result.Conflict(six), store.acquire(lease("fd00:10:244::/48", 1, "host-02")));
  }

  @Test
  void renewalComparesWhatIsThereAndRaisesItsGeneration() {
    Lease first = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    Lease longer = first.withTerm(until(120));

    Lease second = done(store.renew(first, longer));
    assertEquals(longer.withGeneration(2), second);
    assertEquals(new Result.Conflict(second), store.renew(first, longer));
    assertEquals(List.of(second), store.list());
  }

  /** A host that slept past its lease must not take the subnet back from who got it meanwhile. */
  @Test
  void aRenewalNamesTheHolderAndNotTheGenerationAlone() {
    Lease lost = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    store.release(lost);
    Lease now = done(store.acquire(lease("10.244.1.0/24", 1, "host-02")));
    assertEquals(new Result.Conflict(now), store.renew(lost, lost));

    Lease sameGeneration = lost.withGeneration(now.generation());
    assertEquals(new Result.Conflict(now), store.renew(sameGeneration, sameGeneration));
    store.release(sameGeneration);
    assertEquals(List.of(now), store.list());
  }

  @Test
  void aMachineThatIsElsewhereOrHasAnotherMacIsAnotherHolder() {
    Lease one = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    Vtep vtep = one.vtep();
    MacAddress mac = MacAddress.parse("02:00:00:00:00:09");
    for (Vtep other :
        List.of(
            new Vtep(vtep.address(), vtep.port(), mac),
            new Vtep(IpPrefix.parseAddress("10.18.2.2"), vtep.port(), vtep.mac()))) {
      Lease twin = one.withVtep(other);
      assertEquals(new Result.Conflict(one), store.renew(twin, twin));
      store.release(twin);
    }
    assertEquals(List.of(one), store.list());
  }

  /** Somebody made it static, or gave it another end, by hand: the generation stayed. */
  @Test
  void aRenewalOfAnotherTermIsRefused() {
    Lease lease = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    for (Lease believed : List.of(lease.withTerm(Optional.empty()), lease.withTerm(until(61)))) {
      assertEquals(new Result.Conflict(lease), store.renew(believed, lease));
    }
  }

  @Test
  void renewalOfNothingSaysSo() {
    Lease lease = lease("10.244.1.0/24", 1, "host-01");
    assertEquals(new Result.Gone(lease.subnet()), store.renew(lease, lease));
    assertEquals(List.of(), store.list());
  }

  @Test
  void releaseNeedsTheVeryLeaseAndMayBeRepeated() {
    Lease lease = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));

    store.release(lease.withGeneration(7));
    assertEquals(List.of(lease), store.list());
    store.release(lease);
    assertEquals(List.of(), store.list());
    store.release(lease);
    done(store.acquire(lease("10.244.1.0/24", 1, "host-02")));
  }

  @Test
  void generationsOfASubnetNeverFall() {
    Lease lease = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    for (int i = 0; i < 3; i++) {
      lease = done(store.renew(lease, lease));
    }
    assertEquals(4, lease.generation());
    store.release(lease);

    // Another instance, as the next host has: the store itself remembers.
    try (LeaseStore other = open()) {
      Lease next = done(other.acquire(lease("10.244.1.0/24", 1, "host-02")));
      assertEquals(5, next.generation());
      other.release(next);
      assertEquals(
          9,
          done(other.acquire(lease("10.244.1.0/24", 1, "host-03").withGeneration(9))).generation());
    }
    assertEquals(1, done(store.acquire(lease("10.244.2.0/24", 1, "host-01"))).generation());
    assertEquals(1, done(store.acquire(lease("10.244.1.0/24", 2, "host-01"))).generation());
  }

  @Test
  void eightThreadsGetEightSubnetsAndNoneTwice() throws Exception {
    List<Result> results =
        race(
            8,
            thread -> {
              // Each has an instance of its own, as agents have, and wants the lowest free subnet.
              try (LeaseStore mine = open()) {
                for (int i = 1; ; i++) {
                  String prefix = "10.244." + i + ".0/24";
                  Result result = mine.acquire(lease(prefix, 1, "host-" + thread));
                  if (result instanceof Result.Done) {
                    return result;
                  }
                }
              }
            });

    assertEquals(8, results.stream().map(result -> done(result).subnet()).distinct().count());
    assertEquals(
        List.of(1, 2, 3, 4, 5, 6, 7, 8),
        store.list().stream()
            .map(lease -> (int) lease.subnet().prefix().address().getAddress()[2])
            .toList());
  }

  @Test
  void aLeaseIsHeldAsItIsAndNotAsItWas() {
    Lease first = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    assertTrue(store.holds(first));
    Lease second = done(store.renew(first, first));
    assertFalse(store.holds(first));
    assertTrue(store.holds(second));
    store.release(second);
    assertFalse(store.holds(second));
  }

  @Test
  void theFirstThatIsFreeIsClaimedAndNothingElse() throws Exception {
    Lease other = done(store.acquire(lease("10.244.1.0/25", 1, "host-01")));
    Lease former = done(store.acquire(lease("10.244.3.0/24", 1, "host-03")));
    store.release(former);
    List<Lease> wanted =
        Stream.of("10.244.1.0/24", "10.244.3.0/24", "10.244.2.0/24")
            .map(prefix -> lease(prefix, 1, "host-02"))
            .toList();

    Lease claimed = done(store.acquireFirst(wanted));

    assertEquals("10.244.3.0/24", claimed.subnet().prefix().toString());
    assertEquals(2, claimed.generation());
    assertEquals(List.of(other, claimed), store.list());
    assertEquals(new Result.Conflict(other), store.acquireFirst(wanted.subList(0, 1)));
    assertInstanceOf(Result.Conflict.class, store.acquireFirst(wanted.subList(0, 2)));
    assertEquals(List.of(other, claimed), store.list());
  }

  /** As many hosts that start at once, each with spares in an order of its own. */
  @Test
  void eightHostsThatAskForTheSameAndForSparesGetEightSubnets() throws Exception {
    List<Result> results =
        race(
            8,
            thread -> {
              try (LeaseStore mine = open()) {
                return mine.acquireFirst(
                    IntStream.range(0, 9)
                        .map(i -> i == 0 ? 1 : 2 + (thread + i) % 8)
                        .mapToObj(i -> lease("10.244." + i + ".0/24", 1, "host-" + thread))
                        .toList());
              }
            });

    assertEquals(8, results.stream().map(result -> done(result).subnet()).distinct().count());
    assertEquals(8, store.list().size());
    assertEquals("10.244.1.0/24", store.list().getFirst().subnet().prefix().toString());
  }

  @Test
  void ofEightRenewalsOfOneGenerationOneWins() throws Exception {
    Lease lease = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));

    List<Result> results = race(8, _ -> store.renew(lease, lease));

    assertEquals(1, results.stream().filter(Result.Done.class::isInstance).count());
    assertEquals(2, store.list().getFirst().generation());
  }

  @Test
  void aWatchBeginsWithASnapshotAndTellsInOrder() throws Exception {
    Lease one = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
    try (AutoCloseable _ = store.watch(events::add)) {
      var snapshot = assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
      assertEquals(List.of(one), snapshot.leases());

      Lease two = done(store.acquire(lease("10.244.2.0/24", 1, "host-02")));
      var announced = assertInstanceOf(LeaseEvent.Announced.class, next(events));
      assertEquals(two, announced.lease());

      Lease renewed = done(store.renew(two, two));
      var changed = assertInstanceOf(LeaseEvent.Announced.class, next(events));
      assertEquals(renewed, changed.lease());

      store.release(one);
      var withdrawn = assertInstanceOf(LeaseEvent.Withdrawn.class, next(events));
      assertEquals(one.subnet(), withdrawn.subnet());
      assertEquals(one.generation(), withdrawn.generation());

      assertTrue(snapshot.revision() < announced.revision());
      assertTrue(announced.revision() < changed.revision());
      assertTrue(changed.revision() < withdrawn.revision());
    }
  }

  @Test
  void aWatchSeesWhatAnotherInstanceDoes() throws Exception {
    BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
    try (AutoCloseable _ = store.watch(events::add);
        LeaseStore other = open()) {
      assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
      Lease lease = done(other.acquire(lease("10.244.9.0/24", 1, "host-09")));
      var announced = assertInstanceOf(LeaseEvent.Announced.class, next(events));
      assertEquals(lease, announced.lease());
    }
  }

  @Test
  void aClosedWatchIsSilentAndOthersHearOn() throws Exception {
    BlockingQueue<LeaseEvent> closed = new LinkedBlockingQueue<>();
    BlockingQueue<LeaseEvent> open = new LinkedBlockingQueue<>();
    AutoCloseable first = store.watch(closed::add);
    try (AutoCloseable _ = store.watch(open::add)) {
      assertInstanceOf(LeaseEvent.Snapshot.class, next(closed));
      assertInstanceOf(LeaseEvent.Snapshot.class, next(open));
      first.close();
      done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      assertInstanceOf(LeaseEvent.Announced.class, next(open));
      assertNull(closed.poll());
    }
  }

  @Test
  void aFailingWatcherHearsOnAndDisturbsNobody() throws Exception {
    BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
    try (AutoCloseable _ =
            store.watch(_ -> {
              throw new IllegalStateException("a watcher that fails, on purpose");
            });
        AutoCloseable _ = store.watch(events::add)) {
      assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
      done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      assertInstanceOf(LeaseEvent.Announced.class, next(events));
    }
  }

  @Test
  void aStuckWatcherStarvesNoOtherAndCanBeClosed() throws Exception {
    CountDownLatch stuck = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
    AutoCloseable slow =
        store.watch(_ -> {
          stuck.countDown();
          awaitQuietly(never);
        });
    try (AutoCloseable _ = store.watch(events::add)) {
      assertTrue(stuck.await(WAIT_SECONDS, TimeUnit.SECONDS));
      assertInstanceOf(LeaseEvent.Snapshot.class, next(events));
      done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      assertInstanceOf(LeaseEvent.Announced.class, next(events));
      Thread closer = Thread.ofPlatform().start(() -> closeQuietly(slow));
      assertTrue(closer.join(Duration.ofSeconds(WAIT_SECONDS)), "closing it hangs");
    } finally {
      never.countDown();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aClosedStoreRefusesEverythingAndSaysSo() throws Exception {
    LeaseStore closed = open();
    Lease lease = done(closed.acquire(lease("10.244.1.0/24", 1, "host-01")));
    closeForGood(closed);
    assertThrows(LeaseStoreException.class, closed::list);
    assertThrows(LeaseStoreException.class, () -> closed.acquire(lease));
    assertThrows(LeaseStoreException.class, () -> closed.renew(lease, lease));
    assertThrows(LeaseStoreException.class, () -> closed.release(lease));
    assertThrows(LeaseStoreException.class, () -> closed.watch(event -> {}));
    assertEquals(1, closed.problems().size());
    assertTrue(closed.problems().getFirst().contains("was closed while an overlay uses it"));
  }

  private static void closeQuietly(AutoCloseable watch) {
    try {
      watch.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  public static Lease done(Result result) {
    return assertInstanceOf(Result.Done.class, result).lease();
  }

  @Test
  void aClockOfTheStoreDoesNotGoBack() {
    store.time().ifPresent(first -> assertFalse(store.time().orElseThrow().isBefore(first)));
  }

  /** After a backup was restored the holder knows better than the store. */
  @Test
  void renewalGoesOnAboveWhatItsHolderKnows() {
    Lease first = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
    Lease second = done(store.renew(first, first.withGeneration(9)));
    assertEquals(first.withGeneration(9), second);
    assertEquals(10, done(store.renew(second, second.withGeneration(3))).generation());
  }

  private static NetworkSettings settings(int vni, int port) throws Exception {
    return NetworkText.parse(
        "network = 10.244.0.0/16\nvni = %d\nport = %d\ndirectRouting = true\nsubnet.a = 10.244.7.0/24"
            .formatted(vni, port));
  }

  @Test
  void theNetworkIsWrittenOnceAndChangedOnlyAsItStands() throws Exception {
    assertEquals(Optional.empty(), store.network(new Vni(1)));
    assertTrue(put(null, 4789));
    assertFalse(put(null, 8472));
    assertEquals(Optional.of(settings(1, 4789)), store.network(new Vni(1)));
    assertEquals(Optional.empty(), store.network(new Vni(2)));

    assertFalse(put(1, 8472));
    assertTrue(put(4789, 8472));
    assertEquals(Optional.of(settings(1, 8472)), store.network(new Vni(1)));
    assertEquals(List.of(), store.list());
    assertEquals(List.of(), store.problems());
    assertFalse(put(4789, null));
    assertTrue(put(8472, null));
    assertEquals(Optional.empty(), store.network(new Vni(1)));
  }

  /** By ports; null is none. */
  private boolean put(Integer expected, Integer wanted) throws Exception {
    return store.putNetwork(
        new Vni(1),
        expected == null ? Optional.empty() : Optional.of(settings(1, expected)),
        wanted == null ? Optional.empty() : Optional.of(settings(1, wanted)));
  }

  @Test
  void refusesANetworkUnderTheVniOfAnother() throws Exception {
    Optional<NetworkSettings> of1 = Optional.of(settings(1, 4789));
    assertThrows(
        dev.culvert.kernel.RefusedException.class,
        () -> store.putNetwork(new Vni(7), Optional.empty(), of1));
    assertEquals(Optional.empty(), store.network(new Vni(7)));
  }

  @Test
  void oneOfManyWritesTheNetwork() throws Exception {
    List<NetworkSettings> written = new CopyOnWriteArrayList<>();
    List<Result> _ =
        race(
            8,
            thread -> {
              try {
                NetworkSettings wanted = settings(1, 5000 + thread);
                if (store.putNetwork(new Vni(1), Optional.empty(), Optional.of(wanted))) {
                  written.add(wanted);
                }
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
              return new Result.Gone(lease("10.244.1.0/24", 1, "nobody").subnet());
            });
    assertEquals(1, written.size());
    assertEquals(Optional.of(written.getFirst()), store.network(new Vni(1)));
  }

  public static LeaseEvent next(BlockingQueue<LeaseEvent> events) throws InterruptedException {
    LeaseEvent event = events.poll(WAIT_SECONDS, TimeUnit.SECONDS);
    assertTrue(event != null, "no event in " + WAIT_SECONDS + " seconds");
    return event;
  }

  /** One runner's part. */
  interface Runner {
    Result run(int thread);
  }

  private static List<Result> race(int threads, Runner runner) throws Exception {
    CountDownLatch start = new CountDownLatch(threads);
    List<Future<Result>> futures = new ArrayList<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      for (int thread = 0; thread < threads; thread++) {
        int number = thread;
        futures.add(
            executor.submit(() -> {
              start.countDown();
              start.await();
              return runner.run(number);
            }));
      }
      List<Result> results = new ArrayList<>();
      for (Future<Result> future : futures) {
        results.add(future.get(60, TimeUnit.SECONDS));
      }
      return results;
    }
  }
}
