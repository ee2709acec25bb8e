// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** One keeper, which hears of events and of the time when the test says so. */
final class LeaseKeeperTest extends OverlayFixture {
  private final LeaseKeeper keeper = keeper();

  private LeaseKeeper newKeeper() {
    return newKeeper("host-01");
  }

  private LeaseKeeper newKeeper(String host) {
    return newKeeper(host, clock);
  }

  private LeaseKeeper newKeeper(String host, TimeSource time) {
    return newKeeper(config(host, "10.17.2.2"), time);
  }

  private LeaseKeeper newKeeper(OverlayConfig config, TimeSource time) {
    var agreement = new NetworkAgreement(config, store, new Changeover(config, datapath));
    var context = new LeaseKeeper.Context(config, store, new SteadyClock(time), agreement);
    return new LeaseKeeper(context, config.networks().getFirst());
  }

  private LeaseKeeper keeper() {
    LeaseKeeper made = newKeeper();
    made.obtain(datapath.read(), Optional.empty(), Optional.empty(), clock.instant());
    return made;
  }

  private void doWorkAfter(Duration passed) {
    clock.advance(passed);
    keeper.doWork(clock.instant());
  }

  /** The watch looks at the store after the wipe, and never saw the renewal before it. */
  @Test
  void aLeaseThatVanishedBeforeItsRenewalWasToldIsWrittenAgainAtOnce() {
    Lease told = keeper.lease();
    doWorkAfter(LEASE.dividedBy(2));
    assertEquals(told.generation() + 1, keeper.lease().generation());
    memory.release(keeper.lease());

    keeper.accept(new LeaseEvent.Vanished(1, told.subnet(), told.generation()), clock.instant());
    doWorkAfter(Duration.ZERO);
    assertEquals(List.of(keeper.lease()), memory.list());
  }

  /** The same where somebody removed it for good. */
  @Test
  void aLeaseThatWasReleasedBeforeItsRenewalWasToldIsAskedForAtOnce() {
    Lease told = keeper.lease();
    doWorkAfter(LEASE.dividedBy(2));
    memory.release(keeper.lease());
    Lease theirs = loseTo("host-03");

    keeper.accept(new LeaseEvent.Withdrawn(1, told.subnet(), told.generation()), clock.instant());
    doWorkAfter(Duration.ZERO);
    assertTrue(keeper.isFenced());
    assertEquals(List.of(theirs), memory.list());
  }

  private Lease loseTo(String host) {
    memory.release(keeper.lease());
    Lease wanted = Fixtures.lease("10.244.1.0/24", host);
    return ((LeaseStore.Result.Done) memory.acquire(wanted)).lease();
  }

  /** Who lost its lease hears that the host which got it lost it too: the store was wiped. */
  private Lease loseAndWipe() {
    Lease theirs = loseTo("host-03");
    keeper.accept(new LeaseEvent.Announced(1, theirs), clock.instant());
    doWorkAfter(Duration.ZERO);
    assertTrue(keeper.isFenced());
    memory.release(theirs);
    keeper.accept(
        new LeaseEvent.Vanished(2, theirs.subnet(), theirs.generation()), clock.instant());
    return theirs;
  }

  @Test
  void whoLostItsLeaseDoesNotTakeItFromItsHolderWhenTheStoreIsWiped() {
    Lease theirs = loseAndWipe();
    store.setLooksNew(true);
    for (int i = 0; i < 3; i++) {
      doWorkAfter(LeaseView.LINGER);
      assertEquals(List.of(), memory.list(), "it waits while the store looks new");
    }
    memory.acquire(theirs);
    store.setLooksNew(false);
    doWorkAfter(LeaseView.LINGER);
    assertEquals("host-03", memory.list().getFirst().host().text());
    assertTrue(keeper.isFenced());
  }

  /** Such a store never looks new. */
  @Test
  void whoLostItsLeaseGivesItsHolderTheTimeAlsoInAStoreThatCannotTell() {
    Lease theirs = loseAndWipe();
    doWorkAfter(LeaseView.LINGER.minusMillis(1));
    assertEquals(List.of(), memory.list());
    memory.acquire(theirs);
    doWorkAfter(Duration.ofMillis(1));
    assertTrue(keeper.isFenced());
  }

  @Test
  void whoLostItsLeaseGetsItBackWhenItsHolderDoesNotComeBack() {
    loseAndWipe();
    store.setLooksNew(true);
    doWorkAfter(LeaseView.LINGER);
    store.setLooksNew(false);
    doWorkAfter(LeaseView.LINGER);
    assertFalse(keeper.isFenced());
    assertEquals(List.of(keeper.lease()), memory.list());
  }

  /** Its kernel has the subnet from before, and the store takes no writes but can be read. */
  @Test
  void whoStartsOnAReadOnlyStoreWhereAnotherHasItsSubnetIsFenced() {
    Lease theirs = loseTo("host-03");
    LeaseKeeper again = newKeeper();
    store.setReadOnly(true);
    var state =
        new Datapath.State(List.of(), List.of(new LocalSubnet(theirs.subnet(), 0)), List.of());
    again.obtain(state, Optional.empty(), Optional.empty(), clock.instant());
    assertEquals(theirs.subnet(), again.lease().subnet());
    assertTrue(again.isFenced());

    memory.release(theirs);
    again = newKeeper();
    again.obtain(state, Optional.empty(), Optional.empty(), clock.instant());
    assertFalse(again.isFenced(), "nobody has it");
  }

  /** In a store that looks new for ever; the lease of the second family comes after the first's. */
  @Test
  void aNewcomerSettlesOnceForBothFamilies() {
    store.setLooksNew(true);
    List<Duration> waited = new ArrayList<>();
    TimeSource time =
        new TimeSource() {
          @Override
          public Instant wallTime() {
            return clock.wallTime();
          }

          @Override
          public Duration elapsed() {
            return clock.elapsed();
          }

          @Override
          public void pause(Duration length) {
            waited.add(length);
          }
        };
    var nothing = new Datapath.State(List.of(), List.of(), List.of());
    LeaseKeeper first = newKeeper("host-98", time);
    first.obtain(nothing, Optional.empty(), Optional.empty(), clock.instant());
    int once = waited.size();
    assertTrue(once > 0, "a newcomer waits");
    newKeeper("host-99", time)
        .obtain(
            nothing, Optional.empty(), Optional.of(first.lease().vtep().mac()), clock.instant());
    assertEquals(once, waited.size());
  }

  /** Were it refused, the datapath would go on with a subnet that is another host's. */
  @Test
  void whoStartsWhereAnotherHasItsSubnetAndNoneIsLeftIsFenced() {
    Lease theirs = loseTo("host-03");
    for (int i = 0; i < 256; i++) {
      memory.acquire(Fixtures.lease("10.244." + i + ".0/24", "other-" + i));
    }
    LeaseKeeper again = newKeeper();
    var state =
        new Datapath.State(List.of(), List.of(new LocalSubnet(theirs.subnet(), 0)), List.of());
    again.obtain(state, Optional.empty(), Optional.empty(), clock.instant());
    assertEquals(theirs.subnet(), again.lease().subnet());
    assertTrue(again.isFenced());
    assertTrue(again.problem().orElseThrow().contains("host-03 at "), again.problem().get());

    LeaseKeeper newcomer = newKeeper("host-99");
    var nothing = new Datapath.State(List.of(), List.of(), List.of());
    assertThrows(
        RefusedException.class,
        () -> newcomer.obtain(nothing, Optional.empty(), Optional.empty(), clock.instant()));

    memory.release(theirs);
    clock.advance(Duration.ofMinutes(1));
    again.doWork(clock.instant());
    assertFalse(again.isFenced(), "it is free again");
  }

  /** Nobody's question whether this host lives is heard before it watches. */
  @Test
  void aStoreThatIsNotWatchedYetIsLookedForEachSecond() {
    StoreLink link = new StoreLink(store, event -> {});
    store.setAway(true);
    assertFalse(link.doWork(clock.instant()));
    assertEquals(clock.instant().plus(StoreLink.DEAF_PERIOD), link.nextDeadline());
    store.setAway(false);
    clock.advance(StoreLink.DEAF_PERIOD);
    assertTrue(link.doWork(clock.instant()));
    link.close();
  }

  /** Others believe in a lease for no longer than it lasts, and half of that again. */
  @Test
  void aRenewalThatFailsIsTriedAgainSeveralTimesWithinALease() {
    Duration lasts = Duration.ofSeconds(10);
    OverlayConfig config =
        OverlayConfig.builder(new HostName("host-02"), Fixtures.address("10.17.2.3"))
            .network(IpPrefix.parse("10.244.0.0/16"))
            .directRouting(false)
            .leaseDuration(lasts)
            .build();
    LeaseKeeper hasty = newKeeper(config, clock);
    hasty.obtain(datapath.read(), Optional.empty(), Optional.empty(), clock.instant());
    store.setReadOnly(true);
    clock.advance(lasts);
    for (int i = 0; i < 10; i++) {
      hasty.doWork(clock.instant());
      Duration until = Duration.between(clock.instant(), hasty.nextDeadline());
      assertFalse(until.isZero());
      assertTrue(until.compareTo(lasts.dividedBy(4)) <= 0, until.toString());
      clock.advance(until);
    }
  }
}
