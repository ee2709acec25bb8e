// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.ebpf.GoldenPacket;
import dev.culvert.datapath.ebpf.PinnedWorld;
import dev.culvert.datapath.table.Layouts;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.KernelClock;
import dev.culvert.testing.RequiresRoot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tracers on the real programs, fed with golden packets. */
@Tag("kernel")
@RequiresRoot
class TracerKernelTest {
  private static final Tracer.Request DROPS = new Tracer.Request(true, false, 1);
  private static final Tracer.Request FLOWS = new Tracer.Request(false, true, 1);
  private static final String FORGED = "Another's address";
  private static final String WRAPPED = "UDP to a container on another host is wrapped";

  private PinnedWorld world;

  @BeforeEach
  void load() throws Exception {
    world = PinnedWorld.load();
  }

  @AfterEach
  void close() throws Exception {
    world.close();
  }

  private Tracer trace(Tracer.Request request) {
    return Tracer.open(world.libc(), world.pins(), request);
  }

  private static List<TraceEvent> events(Tracer tracer) {
    List<TraceEvent> events = new ArrayList<>();
    tracer.poll(Duration.ZERO, events::add);
    return events;
  }

  private static List<Verdict> verdicts(Tracer tracer) {
    return events(tracer).stream().map(TraceEvent::verdict).toList();
  }

  @Test
  void tellsWhatWasDroppedAndWhy() {
    try (Tracer tracer = trace(DROPS)) {
      long beforeNs = KernelClock.monotonicNs(world.libc());
      world.run(WRAPPED);
      world.run("To the world");
      world.run(FORGED);
      List<TraceEvent> events = events(tracer);
      assertEquals(1, events.size(), events.toString());
      TraceEvent event = events.getFirst();
      assertEquals(Verdict.DROPPED_INNER_SOURCE, event.verdict());
      assertEquals("from_container", event.program());
      assertEquals(1, event.interfaceIndex());
      assertEquals(GoldenPacket.named(FORGED).in().length, event.lengthBytes());
      assertEquals(Optional.of(new Vni(1)), event.vni());
      assertTrue(event.timeNs() >= beforeNs);
      assertTrue(event.timeNs() <= KernelClock.monotonicNs(world.libc()));
      assertEquals("UDP", event.headers().ip().orElseThrow().protocolName());
      assertEquals(0, tracer.lost());
    }
  }

  @Test
  void showsOuterAndInnerAddressesOfATunnelPacket() {
    try (Tracer tracer = trace(DROPS)) {
      world.run("Outer source is another VTEP");
      TraceEvent event = events(tracer).getFirst();
      assertEquals(Verdict.DROPPED_OUTER_SOURCE, event.verdict());
      assertEquals("from_underlay", event.program());
      PacketHeaders.Tunnel tunnel = event.headers().tunnel().orElseThrow();
      assertEquals(1, tunnel.vni());
      assertEquals("10.17.2.2", tunnel.outer().destination().getHostAddress());
      assertTrue(
          event.headers().ip().orElseThrow().source().getHostAddress().startsWith("10.244.2."));
    }
  }

  @Test
  void flowsAreWhatIsHandedOnAndNeverTheHostsOtherTraffic() {
    try (Tracer tracer = trace(FLOWS)) {
      world.run(FORGED);
      world.run("The underlay's own traffic");
      world.run(WRAPPED);
      world.run("A tunnel packet for our container");
      world.run("Too large for the way");
      List<TraceEvent> events = events(tracer);
      assertEquals(
          List.of(Verdict.ENCAPSULATED, Verdict.DECAPSULATED, Verdict.SLOW_PATH),
          events.stream().map(TraceEvent::verdict).toList());
      // Outer headers are on the first already, and off the second; its network is known all the
      // same.
      assertEquals(
          "10.18.2.2",
          events
              .getFirst()
              .headers()
              .tunnel()
              .orElseThrow()
              .outer()
              .destination()
              .getHostAddress());
      assertEquals(Optional.empty(), events.get(1).headers().tunnel());
      assertEquals(Optional.of(new Vni(1)), events.get(1).vni());
    }
  }

  @Test
  void severalTracersEachSeeWhatTheyAskedFor() {
    try (Tracer drops = trace(DROPS);
        Tracer alsoDrops = trace(DROPS)) {
      try (Tracer flows = trace(FLOWS)) {
        world.run(FORGED);
        world.run(WRAPPED);
        assertEquals(List.of(Verdict.DROPPED_INNER_SOURCE), verdicts(drops));
        assertEquals(List.of(Verdict.ENCAPSULATED), verdicts(flows));
      }
      world.run(WRAPPED);
      world.run("Another's MAC");
      assertEquals(List.of(Verdict.DROPPED_INNER_MAC), verdicts(drops));
      assertEquals(
          List.of(Verdict.DROPPED_INNER_SOURCE, Verdict.DROPPED_INNER_MAC), verdicts(alsoDrops));
      assertEquals(Layouts.TRACE_DROPS, world.wanted());
    }
  }

  @Test
  void leavesNothingBehind() throws Exception {
    try (Tracer _ = trace(FLOWS)) {
      assertEquals(Layouts.TRACE_FLOWS, world.wanted());
      assertEquals(1, world.rings());
    }
    assertEquals(0, world.wanted());
    assertEquals(0, world.rings());
    assertTrue(world.isTidy());
  }

  /** A tracer that stops renewing is as good as dead. */
  @Test
  void theProgramsForgetATracerThatDied() throws Exception {
    try (Tracer dead = trace(FLOWS)) {
      Thread.sleep(TracePlaces.LEASE.plusMillis(100));
      assertEquals(Layouts.TRACE_FLOWS, world.wanted());
      world.run(WRAPPED);
      assertEquals(0, world.wanted(), "the first packet takes the flag away");

      // Another takes its place; the dead one, come to life again, gets a new one.
      try (Tracer next = trace(DROPS)) {
        dead.poll(Duration.ZERO, event -> {});
        assertEquals(2, world.rings());
        world.run(WRAPPED);
        world.run(FORGED);
        assertEquals(List.of(Verdict.ENCAPSULATED), verdicts(dead));
        assertEquals(List.of(Verdict.DROPPED_INNER_SOURCE), verdicts(next));
      }
    }
  }

  @Test
  void theNinthTracerIsToldThatThereIsNoRoom() {
    List<Tracer> tracers = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        tracers.add(trace(DROPS));
      }
      RefusedException e = assertThrows(RefusedException.class, () -> trace(DROPS));
      assertEquals(
          "8 tracers are at work on this host already: end one of them first.", e.getMessage());
    } finally {
      tracers.forEach(Tracer::close);
    }
    assertEquals(0, world.rings());
  }

  @Test
  void samplesAtRandom() {
    int runs = 3000;
    try (Tracer tracer = trace(new Tracer.Request(true, false, 10))) {
      int seen = 0;
      for (int i = 0; i < runs; i++) {
        world.run(FORGED);
        seen += tracer.poll(Duration.ZERO, event -> {});
      }
      // 300 expected, standard deviation 16: ten of them on either side.
      assertTrue(seen > 140 && seen < 460, seen + " of " + runs);
    }
  }

  @Test
  void countsWhatTheBufferHasNoRoomFor() {
    int room = Layouts.TRACE_RING_BYTES / (Layouts.TRACE_EVENT.sizeBytes() + 8);
    try (Tracer tracer = trace(DROPS)) {
      for (int i = 0; i < room + 10; i++) {
        world.run(FORGED);
      }
      assertEquals(10, tracer.lost());
      assertEquals(room, events(tracer).size());
    }
  }

  @Test
  void aMarkedPacketIsItsOwnersAloneAndNotCounted() {
    TracePlaces.Wish wish = new TracePlaces.Wish(Layouts.TRACE_MARKED, 1, 0x1234567);
    try (Tracer owner = Tracer.open(world.libc(), world.folder(), wish);
        Tracer drops = trace(DROPS)) {
      var counters = world.counters();
      var traffic = world.traffic();
      world.run(FORGED, 0x1234567);
      world.run(WRAPPED, 0x1234567);
      world.run("To the world", 0x1234567);
      assertEquals(
          List.of(Verdict.DROPPED_INNER_SOURCE, Verdict.ENCAPSULATED, Verdict.PASSED),
          verdicts(owner));
      assertEquals(List.of(), verdicts(drops));
      assertEquals(counters, world.counters());
      assertEquals(traffic, world.traffic());

      world.run(FORGED, 0x7654321);
      assertEquals(List.of(), verdicts(owner));
      assertEquals(List.of(Verdict.DROPPED_INNER_SOURCE), verdicts(drops));
    }
  }
}
