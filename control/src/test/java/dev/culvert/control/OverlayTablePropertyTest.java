// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.judgement;
import static dev.culvert.control.Fixtures.lease;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.control.LeaseEvent.Announced;
import dev.culvert.control.LeaseEvent.Snapshot;
import dev.culvert.control.LeaseEvent.Withdrawn;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Whatever happens on the way, a snapshot settles it. Prints the seed of what fails. */
final class OverlayTablePropertyTest {
  private static final int ROUNDS = 100;
  private static final Lease OWN = lease("10.244.1.0/24", "host-01", 1, "10.17.2.2", 1);
  private static final Lease OWN6 = lease("fd00:244:0:1::/64", "host-01", 1, "10.17.2.2", 1);

  /** A store's history: the events in their order, and what it holds in the end. */
  private record History(List<LeaseEvent> events, Map<Subnet, Lease> end, long revision) {}

  @Test
  void anyOrderOfEventsPlusASnapshotEndsInTheSameState() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      String where = "seed " + seed + ", round " + round;
      History history = history(random, 60);
      Snapshot end = new Snapshot(history.revision(), List.copyOf(history.end().values()));

      Datapath.State inOrder = run(history.events(), end, random, false);
      List<LeaseEvent> shuffled = new ArrayList<>(history.events());
      Collections.shuffle(shuffled, random);
      shuffled.addAll(history.events().subList(0, 5)); // some come twice
      Datapath.State outOfOrder = run(shuffled, end, random, true);
      Datapath.State fromSnapshot = run(List.of(), end, random, false);

      assertEquals(fromSnapshot, inOrder, where);
      assertEquals(fromSnapshot, outOfOrder, where);
    }
  }

  /** Late events, after the snapshot that knows of them, change nothing. */
  @Test
  void aSnapshotInTheMiddleIsNotUndone() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      History history = history(random, 60);
      Snapshot end = new Snapshot(history.revision(), List.copyOf(history.end().values()));
      FakeDatapath datapath = new FakeDatapath();
      OverlayTable table = table(datapath);
      table.accept(end, Instant.EPOCH);
      List<LeaseEvent> late = new ArrayList<>(history.events());
      Collections.shuffle(late, random);
      late.forEach(event -> table.accept(event, Instant.EPOCH));
      settle(table, datapath, Instant.EPOCH);
      assertEquals(
          run(List.of(), end, random, false), datapath.read(), "seed " + seed + ", round " + round);
    }
  }

  private static Datapath.State run(
      List<LeaseEvent> events, Snapshot end, Random random, boolean troubled) {
    FakeDatapath datapath = new FakeDatapath();
    OverlayTable table = table(datapath);
    Instant now = Instant.parse("2026-11-23T12:00:00Z");
    for (LeaseEvent event : events) {
      table.accept(event, now);
      if (troubled) {
        datapath.refuse(_ -> random.nextInt(3) == 0);
      }
      if (random.nextInt(4) == 0) {
        settle(table, datapath, now);
      }
      if (troubled && random.nextInt(10) == 0) {
        table = restarted(table, datapath);
      }
    }
    table.accept(end, now);
    datapath.refuse(_ -> false);
    // Long enough for every back-off.
    settle(table, datapath, now.plus(Duration.ofMinutes(2)));
    return datapath.read();
  }

  /** A process that begins anew knows the tables, and of events nothing. */
  private static OverlayTable restarted(OverlayTable old, FakeDatapath datapath) {
    old.problems(); // whatever state it is in, it can say so
    return table(datapath);
  }

  private static OverlayTable table(FakeDatapath datapath) {
    OverlayTable table =
        new OverlayTable(
            new OverlayTable.Settings(
                new HostName("host-01"),
                new Vni(1),
                List.of(IpPrefix.parse("10.244.0.0/16"), IpPrefix.parse("fd00:244::/48")),
                true,
                Duration.ofMinutes(30)));
    table.setOwn(List.of(OWN, OWN6), Set.of());
    table.setFound(datapath.read());
    for (int i = 2; i < 6; i++) {
      table.setNextHop(address("10.18.2." + i), Optional.of(viaRouter("10.17.2.1")));
    }
    return table;
  }

  private static void settle(OverlayTable table, FakeDatapath datapath, Instant now) {
    List<Change> changes = table.changes(judgement(now, true));
    table.applied(changes, datapath.apply(changes), now);
  }

  private static History history(Random random, int length) {
    Map<Subnet, Lease> leases = new TreeMap<>();
    List<LeaseEvent> events = new ArrayList<>();
    long revision = 0;
    while (events.size() < length) {
      int number = 2 + random.nextInt(6);
      Lease lease =
          lease(
              random.nextBoolean()
                  ? "10.244." + number + ".0/24"
                  : "fd00:244:0:" + number + "::/64",
              "host-0" + (2 + random.nextInt(4)),
              1,
              "10.18.2." + (2 + random.nextInt(4)),
              1);
      Lease held = leases.get(lease.subnet());
      if (held != null && random.nextInt(3) == 0) {
        leases.remove(lease.subnet());
        events.add(new Withdrawn(++revision, held.subnet(), held.generation()));
      } else {
        // A subnet that was released and leased anew begins with generation 1 again.
        Lease next = lease.withGeneration(held == null ? 1 : held.generation() + 1);
        leases.put(lease.subnet(), next);
        events.add(new Announced(++revision, next));
      }
      if (random.nextInt(20) == 0) {
        events.add(new Snapshot(revision, List.copyOf(leases.values())));
      }
    }
    return new History(events, leases, revision);
  }
}
