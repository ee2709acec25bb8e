// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.judgement;
import static dev.culvert.control.Fixtures.lease;
import static dev.culvert.control.Fixtures.onLink;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.LeaseEvent.Announced;
import dev.culvert.control.LeaseEvent.Snapshot;
import dev.culvert.control.LeaseEvent.Vanished;
import dev.culvert.control.LeaseEvent.Withdrawn;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Change.PutLocal;
import dev.culvert.datapath.Change.PutRemote;
import dev.culvert.datapath.Change.RemoveSubnet;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Vni;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class OverlayTableTest {
  private static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");
  private static final Lease OWN = lease("10.244.1.0/24", "host-01", 1, "10.17.2.2", 1);
  private static final Lease TWO = lease("10.244.2.0/24", "host-02", 1, "10.18.2.2", 1);
  private static final PutLocal PUT_OWN = new PutLocal(new LocalSubnet(OWN.subnet(), 0));

  private final OverlayTable table = table(false);

  private static OverlayTable table(boolean directRouting) {
    OverlayTable table =
        new OverlayTable(
            new OverlayTable.Settings(
                new HostName("host-01"),
                new Vni(1),
                List.of(IpPrefix.parse("10.244.0.0/16")),
                directRouting,
                Duration.ofMinutes(30)));
    table.setOwn(List.of(OWN), Set.of());
    table.setNextHop(address("10.18.2.2"), Optional.of(viaRouter("10.17.2.1")));
    return table;
  }

  private static PutRemote put(Lease lease, String router) {
    return new PutRemote(
        new RemoteSubnet(
            lease.subnet(), OWN.vtep(), lease.vtep(), Optional.of(viaRouter(router)), false));
  }

  private List<Change> settle() {
    return settle(NOON);
  }

  private List<Change> settle(Instant now) {
    List<Change> changes = table.changes(judgement(now, true));
    table.applied(changes, List.of(), now);
    return changes;
  }

  @Test
  void aSnapshotBecomesEntriesOnce() {
    table.accept(new Snapshot(1, List.of(OWN, TWO)), NOON);
    assertEquals(List.of(PUT_OWN, put(TWO, "10.17.2.1")), settle());
    assertEquals(List.of(), settle());
  }

  @Test
  void announcedAndWithdrawn() {
    table.accept(new Snapshot(1, List.of(OWN)), NOON);
    settle();
    table.accept(new Announced(2, TWO), NOON);
    assertEquals(List.of(put(TWO, "10.17.2.1")), settle());
    table.accept(new Withdrawn(3, TWO.subnet(), 1), NOON);
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle());
  }

  @Test
  void aChangedVtepOnTheSameSubnetCounts() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    settle();
    Lease moved = lease("10.244.2.0/24", "host-02", 1, "10.18.2.9", 2);
    table.setNextHop(address("10.18.2.9"), Optional.of(viaRouter("10.17.2.1")));
    table.accept(new Announced(2, moved), NOON);
    assertEquals(List.of(put(moved, "10.17.2.1")), settle());
  }

  @Test
  void aChangedNextHopCounts() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    settle();
    table.setNextHop(address("10.18.2.2"), Optional.of(viaRouter("10.17.2.254")));
    assertEquals(List.of(put(TWO, "10.17.2.254")), settle());

    table.setNextHop(address("10.18.2.2"), Optional.empty());
    var unreachable =
        new RemoteSubnet(TWO.subnet(), OWN.vtep(), TWO.vtep(), Optional.empty(), false);
    assertEquals(List.of(new PutRemote(unreachable)), settle());
  }

  @Test
  void ourOwnNewVtepRewritesAllRemotes() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    settle();
    Lease renumbered = lease("10.244.1.0/24", "host-01", 1, "10.17.2.77", 2);
    table.setOwn(List.of(renumbered), Set.of());
    var remote = (PutRemote) settle().getFirst();
    assertEquals(renumbered.vtep(), remote.remote().local());
  }

  @Test
  void anOlderGenerationNeverWins() {
    Lease newer = lease("10.244.2.0/24", "host-02", 1, "10.18.2.2", 5);
    table.accept(new Snapshot(1, List.of(newer)), NOON);
    settle();
    table.accept(new Announced(2, lease("10.244.2.0/24", "host-09", 1, "10.18.2.9", 4)), NOON);
    assertEquals(List.of(), settle());
    table.accept(new Withdrawn(3, newer.subnet(), 4), NOON);
    assertEquals(List.of(), settle());
  }

  @Test
  void anEventFromBeforeTheSnapshotChangesNothing() {
    table.accept(new Snapshot(10, List.of(TWO)), NOON);
    settle();
    table.accept(new Withdrawn(9, TWO.subnet(), 1), NOON);
    table.accept(new Announced(8, lease("10.244.3.0/24", "host-03")), NOON);
    assertEquals(List.of(), settle());
  }

  @Test
  void aSnapshotWithdrawsWhatItDoesNotHave() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    settle();
    table.accept(new Snapshot(5, List.of()), NOON);
    assertEquals(List.of(), settle(), "its holder may write it again");
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle(NOON.plus(LeaseView.LINGER)));
  }

  @Test
  void beforeTheStoreSpeaksNothingIsRemovedButRoutesAreFollowed() {
    var found =
        new RemoteSubnet(
            TWO.subnet(), OWN.vtep(), TWO.vtep(), Optional.of(viaRouter("10.17.2.1")), false);
    table.setFound(
        new Datapath.State(List.of(found), List.of(new LocalSubnet(OWN.subnet(), 0)), List.of()));
    assertEquals(List.of(), settle());

    table.setNextHop(address("10.18.2.2"), Optional.of(viaRouter("10.17.2.254")));
    assertEquals(List.of(put(TWO, "10.17.2.254")), settle());

    table.accept(new Snapshot(1, List.of()), NOON);
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle());
  }

  @Test
  void entriesOfOtherNetworksAreLeftAlone() {
    Lease other = lease("10.244.7.0/24", "host-07", 2, "10.18.2.2", 1);
    var found = new RemoteSubnet(other.subnet(), OWN.vtep(), other.vtep(), Optional.empty(), false);
    table.setFound(
        new Datapath.State(List.of(found), List.of(new LocalSubnet(other.subnet(), 3)), List.of()));
    table.accept(new Snapshot(1, List.of(other)), NOON);
    assertEquals(List.of(PUT_OWN), settle());
  }

  @Test
  void theBridgeThatTheDatapathKnowsIsKept() {
    table.setFound(
        new Datapath.State(List.of(), List.of(new LocalSubnet(OWN.subnet(), 9)), List.of()));
    table.accept(new Snapshot(1, List.of()), NOON);
    assertEquals(List.of(), settle());
  }

  @Test
  void aFailedChangeIsShownAndTriedAgainLaterAndLater() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    var failure = new IllegalStateException("map full (E2BIG)");
    Instant now = NOON;
    for (int seconds : List.of(1, 2, 4, 8, 16, 32, 60, 60)) {
      List<Change> changes = table.changes(judgement(now, true));
      assertTrue(changes.contains(put(TWO, "10.17.2.1")), seconds + "");
      table.applied(changes, List.of(new Datapath.Failure(put(TWO, "10.17.2.1"), failure)), now);
      assertEquals(
          List.of(), table.changes(judgement(now.plusSeconds(seconds).minusNanos(1), true)));
      now = now.plusSeconds(seconds);
      assertEquals(Optional.of(now), table.nextDeadline(NOON));
    }
    assertEquals(
        List.of(
            "Writing 10.244.2.0/24 (VNI 1) -> 10.18.2.2 failed 8 times, next try at "
                + now
                + ": map full (E2BIG)"),
        table.pending());
    assertEquals(List.of(), table.remotes());

    assertEquals(List.of(put(TWO, "10.17.2.1")), settle(now));
    assertEquals(List.of(), table.pending());
  }

  @Test
  void aFailedChangeThatNobodyWantsAnyMoreIsForgotten() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    table.applied(
        table.changes(judgement(NOON, true)),
        List.of(new Datapath.Failure(put(TWO, "10.17.2.1"), new IllegalStateException("no"))),
        NOON);
    table.accept(new Withdrawn(2, TWO.subnet(), 1), NOON);
    assertEquals(List.of(), table.changes(judgement(NOON, true)));
    assertEquals(List.of(), table.pending());
  }

  @Test
  void anotherValueIsTriedAtOnce() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    table.applied(
        table.changes(judgement(NOON, true)),
        List.of(new Datapath.Failure(put(TWO, "10.17.2.1"), new IllegalStateException("no"))),
        NOON);
    table.setNextHop(address("10.18.2.2"), Optional.of(viaRouter("10.17.2.254")));
    assertEquals(List.of(put(TWO, "10.17.2.254")), table.changes(judgement(NOON, true)));
  }

  @Test
  void whatMustNotBecomeAnEntryIsAProblem() {
    table.accept(
        new Snapshot(
            1,
            List.of(
                lease("10.244.1.128/25", "host-03"),
                lease("0.0.0.0/0", "host-04"),
                lease("10.245.0.0/24", "host-05"),
                lease("10.244.6.0/24", "host-06", 1, "10.244.9.9", 1),
                lease("10.244.7.0/24", "host-07", 1, "10.17.2.2", 1),
                lease("10.244.8.0/24", "host-08", 1, "fd00::8", 1))),
        NOON);
    assertEquals(List.of(PUT_OWN), settle());
    assertEquals(
        List.of(
            "The lease of 0.0.0.0/0 (VNI 1) of host-04 is not followed: it overlaps this host's own"
                + " subnet 10.244.1.0/24 (VNI 1).",
            "The lease of 10.244.1.128/25 (VNI 1) of host-03 is not followed: it overlaps this"
                + " host's own subnet 10.244.1.0/24 (VNI 1).",
            "The lease of 10.244.6.0/24 (VNI 1) of host-06 is not followed: its VTEP 10.244.9.9"
                + " lies inside the overlay network.",
            "The lease of 10.244.7.0/24 (VNI 1) of host-07 is not followed: its VTEP 10.17.2.2 is"
                + " this host's own underlay address.",
            "The lease of 10.244.8.0/24 (VNI 1) of host-08 is not followed: its VTEP"
                + " fd00::8 is of another IP family than this host's.",
            "The lease of 10.245.0.0/24 (VNI 1) of host-05 is not followed: it is outside the"
                + " network 10.244.0.0/16."),
        table.problems());
  }

  @Test
  void directRoutingNeedsTheSettingAndTheLink() {
    OverlayTable direct = table(true);
    direct.accept(new Snapshot(1, List.of(TWO)), NOON);
    assertFalse(((PutRemote) direct.changes(judgement(NOON, true)).getLast()).remote().direct());
    direct.setNextHop(address("10.18.2.2"), Optional.of(onLink("10.18.2.2")));
    assertTrue(((PutRemote) direct.changes(judgement(NOON, true)).getLast()).remote().direct());

    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    table.setNextHop(address("10.18.2.2"), Optional.of(onLink("10.18.2.2")));
    assertFalse(((PutRemote) settle().getLast()).remote().direct());
  }

  /** Half an hour of lease, so it counts for three quarters after this host saw it last renewed. */
  private static Lease ending() {
    return TWO.withTerm(Optional.of(Lease.Term.from(NOON, Duration.ofMinutes(30))));
  }

  @Test
  void anExpiredLeaseEndsAfterTheGraceUnlessTheStoreIsAway() {
    table.accept(new Snapshot(1, List.of(ending())), NOON);
    settle();
    Instant end = NOON.plus(Duration.ofMinutes(45));
    assertEquals(Optional.of(end), table.nextDeadline(NOON));
    assertEquals(List.of(), table.changes(judgement(end, true)));
    Instant late = end.plusSeconds(1);
    assertEquals(List.of(), table.changes(judgement(late, false)), "the store is away");
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle(late));
  }

  @Test
  void noClockThatSomebodySetEndsALease() {
    table.accept(new Snapshot(1, List.of(ending())), NOON);
    settle();
    Instant tomorrow = NOON.plus(Duration.ofDays(1));
    assertEquals(
        List.of(), table.changes(new Judgement(NOON, tomorrow, Optional.of(NOON))), "set forward");
    assertEquals(
        List.of(), table.changes(new Judgement(tomorrow, NOON, Optional.of(tomorrow))), "set back");
  }

  /** It renewed by its own clock, which is two days behind; that it did is what counts. */
  @Test
  void aRenewalCountsWhateverTimeItSays() {
    table.accept(new Snapshot(1, List.of(ending())), NOON);
    settle();
    Instant renewedAt = NOON.plus(Duration.ofMinutes(40));
    Lease renewed =
        TWO.withGeneration(2)
            .withTerm(
                Optional.of(
                    Lease.Term.from(NOON.minus(Duration.ofDays(2)), Duration.ofMinutes(30))));
    table.accept(new Announced(2, renewed), renewedAt);
    assertEquals(List.of(), settle(renewedAt.plus(Duration.ofMinutes(44))));
    assertEquals(
        List.of(new RemoveSubnet(TWO.subnet())), settle(renewedAt.plus(Duration.ofMinutes(45))));
  }

  /** Whoever asks whether the holder lives writes the lease as it is: that is no sign of life. */
  @Test
  void aNewGenerationAloneIsNoRenewal() {
    table.accept(new Snapshot(1, List.of(ending())), NOON);
    settle();
    table.accept(new Announced(2, ending().withGeneration(2)), NOON.plus(Duration.ofMinutes(40)));
    assertEquals(
        List.of(new RemoveSubnet(TWO.subnet())), settle(NOON.plus(Duration.ofMinutes(46))));
  }

  /** Last written before the lease ended: nobody knows whether its holder could renew it. */
  @Test
  void aStoreThatNobodyCouldWriteEndsNothing() {
    table.accept(new Snapshot(1, List.of(ending())), NOON);
    settle();
    Instant late = NOON.plus(Duration.ofHours(9));
    Instant before = NOON.plus(Duration.ofMinutes(29));
    assertEquals(List.of(), table.changes(new Judgement(late, late, Optional.of(before))));
    Instant after = NOON.plus(Duration.ofMinutes(31));
    assertEquals(
        List.of(new RemoveSubnet(TWO.subnet())),
        table.changes(new Judgement(late, late, Optional.of(after))));
  }

  @Test
  void whatVanishesStaysForAMomentAndWhatIsGivenBackDoesNot() {
    Lease three = lease("10.244.3.0/24", "host-03", 1, "10.18.2.2", 1);
    table.accept(new Snapshot(1, List.of(TWO, three)), NOON);
    settle();
    table.accept(new Vanished(2, TWO.subnet(), 1), NOON);
    table.accept(new Withdrawn(3, three.subnet(), 1), NOON);
    assertEquals(List.of(new RemoveSubnet(three.subnet())), settle());
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle(NOON.plus(LeaseView.LINGER)));
  }

  @Test
  void whatAStoreLostTogetherWithOurOwnLeaseStaysUntilItsHolderWouldBeDead() {
    table.accept(new Snapshot(1, List.of(TWO)), NOON);
    settle();
    table.accept(new Vanished(2, TWO.subnet(), 1), NOON);
    Instant until = NOON.plus(Duration.ofMinutes(45));
    table.keepLost(NOON.plusSeconds(60), until);
    assertEquals(List.of(), settle(until.minusSeconds(1)));
    assertEquals(List.of(TWO), table.lingering(until.minusSeconds(1)));
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle(until));
  }

  @Test
  void anEmptyStoreRemovesNothingThatWasFoundWhileOurOwnLeaseIsNotThereEither() {
    table.setFound(
        new Datapath.State(
            List.of(put(TWO, "10.17.2.1").remote()), List.of(PUT_OWN.local()), List.of()));
    Instant until = NOON.plus(Duration.ofMinutes(45));
    table.keepLost(NOON, until);
    table.accept(new Snapshot(1, List.of()), NOON);
    assertEquals(List.of(), settle(until.minusSeconds(1)));
    assertEquals(List.of(new RemoveSubnet(TWO.subnet())), settle(until));
  }

  @Test
  void aVtepWhoseRouteNobodyKnowsYetWaits() {
    table.accept(
        new Snapshot(1, List.of(lease("10.244.3.0/24", "host-03", 1, "10.18.2.3", 1))), NOON);
    assertEquals(List.of(PUT_OWN), settle());
    assertEquals(java.util.Set.of(address("10.18.2.3")), table.unknownNextHops());
    assertEquals(List.of(), table.problems());
    assertEquals(subnet("10.244.1.0/24"), OWN.subnet());
  }
}
