// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.LeaseView.Known;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Clocks that differ: what is said of them, and that nobody is dropped for them. */
final class ClocksTest extends OverlayFixture {
  private static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");

  private final ClockDifferences clocks = new ClockDifferences();

  private static Lease lease(String host, Instant renewed) {
    return Fixtures.lease("10.244.2.0/24", host)
        .withTerm(Optional.of(Lease.Term.from(renewed, LEASE)));
  }

  private static boolean says(Overlay overlay, String part) {
    return overlay.status().problems().stream().anyMatch(p -> p.contains(part));
  }

  @Test
  void theClockThatDiffersFromMostIsNamed() {
    clocks.heard(lease("host-02", NOON), NOON);
    clocks.heard(lease("host-03", NOON.plusSeconds(1)), NOON);
    clocks.heard(lease("host-04", NOON.minus(Duration.ofDays(2))), NOON);
    assertEquals(
        List.of(
            "The clock of host-04 is 2 days behind this host's: set it, by a time service best;"
                + " leases are not judged by it alone."),
        clocks.sentences(new Judgement(NOON, NOON, Optional.empty())));
  }

  @Test
  void ourOwnIsNamedWhenAllOthersAgree() {
    clocks.heard(lease("host-02", NOON), NOON);
    clocks.heard(lease("host-03", NOON), NOON);
    Instant wall = NOON.plus(Duration.ofDays(2));
    assertEquals(
        List.of(
            "This host's clock is 2 days ahead of those of host-02, host-03: set it, by a time"
                + " service best; leases are not judged by it alone."),
        clocks.sentences(new Judgement(NOON, wall, Optional.empty())));
    assertEquals(List.of(), clocks.sentences(new Judgement(NOON, NOON, Optional.empty())));
  }

  @Test
  void differencesAreToldInWholeUnits() {
    assertEquals("45 seconds", ClockDifferences.text(Duration.ofMillis(-44_600)));
    assertEquals("5 minutes", ClockDifferences.text(Duration.ofSeconds(290)));
    assertEquals("3 hours", ClockDifferences.text(Duration.ofMinutes(181)));
    assertEquals("2 days", ClockDifferences.text(Duration.ofHours(49)));
  }

  private static OverlayTable tableOf(Lease lease, Instant heard) {
    OverlayTable table =
        new OverlayTable(
            new OverlayTable.Settings(
                new HostName("host-01"), Fixtures.VNI, List.of(), false, LEASE));
    table.accept(new LeaseEvent.Snapshot(1, List.of(lease)), heard);
    return table;
  }

  @Test
  void anExpiredPeerIsASentenceWithTheDifferenceWhereThatExplainsIt() {
    Lease behind = lease("host-02", NOON.minus(Duration.ofDays(2)));
    OverlayTable table = tableOf(behind, NOON);
    Judgement judgement = new Judgement(NOON, NOON, Optional.of(NOON));
    String ended = "The lease of 10.244.2.0/24 (VNI 1) of host-02 ended at 2026-11-21T13:00:00Z ";
    assertEquals(
        List.of(
            ended
                + "by this host's clock and was not renewed since: packets are sent there until"
                + " 2026-11-23T13:30:00Z, unless it is renewed; is the host's agent running, and are"
                + " the clocks right?"),
        new Overdue(table, clocks, judgement).sentences());

    clocks.heard(behind, NOON);
    List<String> explained =
        List.of(
            "The lease of 10.244.2.0/24 (VNI 1) of host-02 ended by this host's clock, but the clock"
                + " of host-02 is 2 days behind this one: packets are sent there as before; set the"
                + " clocks.");
    assertEquals(explained, new Overdue(table, clocks, judgement).sentences());
    Lease renewed = lease("host-02", NOON.minus(Duration.ofDays(2)).plus(LEASE.dividedBy(2)));
    OverlayTable later = tableOf(renewed, NOON.plus(LEASE.dividedBy(2)));
    assertEquals(
        explained, new Overdue(later, clocks, judgement).sentences(), "a renewal is no news");

    Instant late = NOON.plus(Duration.ofHours(2));
    Judgement over = new Judgement(late, late, Optional.of(late));
    assertEquals(
        List.of(
            ended
                + "and nobody renews it: nothing is sent there any more; remove the lease if the host"
                + " is gone for good."),
        new Overdue(table, clocks, over).sentences());
    Known known = table.others().getFirst();
    assertTrue(table.isOver(known, over));
  }

  @Test
  void aHostWhoseClockIsSetForwardDropsNobodyAndSaysSo() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    Overlay one = start();
    Overlay two = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    await("the peer", () -> remotes(one).size() == 1 && remotes(two).size() == 1);
    clock.set(Duration.ofDays(2));
    await("the sentence", () -> says(one, "of host-02 ended "));
    assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(one));
    clock.set(Duration.ofDays(-4));
    assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(one));
    assertEquals(address("10.18.2.2"), memory.list().getLast().vtep().address());
  }

  /** Fenced or not, whoever starts again while its store is empty keeps what the kernel has. */
  @Test
  void aRestartWithAnEmptyStoreRemovesNoRemote() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay first = start();
    await("the peer", () -> remotes(first).size() == 1);
    first.close();
    memory.list().forEach(memory::release); // another, empty file system in its place

    Overlay second = start();
    await("the snapshot", () -> second.status().storeRevision() > 0);
    assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(second));
    assertEquals("10.244.1.0/24", memory.list().getFirst().subnet().prefix().toString());
    peer("10.244.2.0/24", "host-02", "10.18.2.9");
    await("it follows", () -> remotes(second).equals(List.of("10.244.2.0/24 10.18.2.9")));
  }
}
