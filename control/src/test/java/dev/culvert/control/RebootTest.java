// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.VNI;
import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.store.SnapshotFile;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Wire;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host whose kernel forgot everything, while the store is away; its disk remembers. */
final class RebootTest extends OverlayFixture {
  @TempDir Path temporary;
  private Path file;
  private FakeDatapath rebooted;

  @BeforeEach
  void routes() {
    file = temporary.resolve("state/host-01.snapshot");
    rebooted = new FakeDatapath();
    for (FakeDatapath each : List.of(datapath, rebooted)) {
      each.route("10.18.2.2", Fixtures.viaRouter("10.17.2.1"));
    }
  }

  private OverlayConfig at(String underlay) {
    return OverlayConfig.builder(new HostName("host-01"), address(underlay))
        .network(IpPrefix.parse("10.244.0.0/16"))
        .directRouting(false)
        .leaseDuration(LEASE)
        .memory(new SnapshotFile(file))
        .build();
  }

  /** A life with one peer, that ended without leaving. */
  private void live() throws Exception {
    if (memory.list().stream().noneMatch(lease -> lease.host().text().equals("host-02"))) {
      peer("10.244.2.0/24", "host-02", "10.18.2.2");
    }
    Overlay first = start(at("10.17.2.2"), datapath);
    await("the peer", () -> remotes(first).size() == 1);
    clock.advance(Duration.ofSeconds(6));
    await("it is remembered", () -> text().contains("host-02") && text().contains("host-01"));
    first.close();
    store.setAway(true);
  }

  private String text() {
    try {
      return Files.exists(file) ? Files.readString(file) : "";
    } catch (java.io.IOException e) {
      return "";
    }
  }

  private static boolean says(Overlay overlay, String part) {
    return overlay.status().problems().stream().anyMatch(p -> p.contains(part));
  }

  @Test
  void withinItsLeaseItStartsReachesTheOthersAndIsConfirmedLater() throws Exception {
    live();
    clock.advance(Duration.ofMinutes(10));
    Overlay second = start(at("10.17.2.2"), rebooted);
    assertEquals(subnet("10.244.1.0/24"), second.status().lease().orElseThrow().subnet());
    assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(second));
    assertEquals(1, rebooted.read().locals().size());
    assertTrue(says(second, "The store cannot confirm 10.244.1.0/24"));
    store.setAway(false);
    clock.advance(Duration.ofMinutes(1));
    await("it is confirmed", () -> second.status().problems().isEmpty());
    assertEquals(2, memory.list().size());
    assertEquals(List.of("10.244.2.0/24 10.18.2.2"), remotes(second));
  }

  /** Another may have got it: nothing is carried until the store says that none did. */
  @Test
  void pastTheEndOfItsLeaseItIsFencedUntilTheStoreConfirms() throws Exception {
    live();
    clock.advance(LEASE.plusMinutes(1));
    isFenced();
    store.setAway(false);
    clock.advance(Duration.ofMinutes(1));
    await("it is whole", () -> rebooted.read().locals().size() == 1);
  }

  @Test
  void withAClockThatWentBackItIsFenced() throws Exception {
    live();
    clock.set(Duration.ofDays(-300));
    isFenced();
  }

  private void isFenced() {
    Overlay second = start(at("10.17.2.2"), rebooted);
    assertEquals(List.of(), rebooted.read().locals());
    assertTrue(second.status().remotes().stream().allMatch(remote -> remote.nextHop().isEmpty()));
    assertTrue(says(second, "started after the end of its lease, or with a clock that went back"));
  }

  @Test
  void whoGotItMeanwhileKeepsIt() throws Exception {
    live();
    Lease before = memory.list().getFirst();
    memory.release(before);
    memory.acquire(Fixtures.lease("10.244.1.0/24", "host-03", 1, "10.18.2.3", 1));
    Overlay second = start(at("10.17.2.2"), rebooted);
    store.setAway(false);
    clock.advance(Duration.ofMinutes(1));
    await("it is told", () -> says(second, "This host lost its lease of 10.244.1.0/24"));
    assertEquals(List.of(), rebooted.read().locals());
  }

  /** What packets bear was changed while it lived; the others know no other VNI any more. */
  @Test
  void afterAChangeOfTheNetworkItSendsAndTakesWhatTheOthersDo() throws Exception {
    Lease.Stage changed = new Lease.Stage(1, 1);
    Wire wire = new Wire(4789, new Vni(77));
    start(at("10.17.2.2"), datapath).close();
    NetworkSettings before = memory.network(VNI).orElseThrow();
    NetworkSettings after =
        before.withTransport(new NetworkSettings.Transport(4789, false, Optional.of(wire.vni())));
    assertTrue(memory.putNetwork(VNI, Optional.of(before), Optional.of(after.after(before))));
    Lease peer = Fixtures.lease("10.244.2.0/24", "host-02", 1, "10.18.2.2", 1);
    memory.acquire(new Lease(peer.subnet(), peer.host(), peer.vtep(), 1, peer.term(), changed));
    live();
    Overlay second = start(at("10.17.2.2"), rebooted);
    assertEquals(wire, rebooted.taken().getLast().own());
    RemoteSubnet remote = rebooted.read().remotes().getFirst();
    assertEquals(wire, new Wire(remote.remote().port(), remote.wireVni()));
    store.setAway(false);
    for (int i = 0; i < 100 && !second.status().problems().isEmpty(); i++) {
      clock.advance(Duration.ofSeconds(5));
      Thread.sleep(5);
    }
    assertEquals(List.of(), second.status().problems());
    assertEquals(wire.vni(), rebooted.read().remotes().getFirst().wireVni());
  }

  /** It started by its configuration alone, and hears of the change when the store is back. */
  @Test
  void whoStartedWhileTheStoreWasAwayFollowsAChangeLater() throws Exception {
    start(at("10.17.2.2"), datapath).close();
    Files.deleteIfExists(file);
    NetworkSettings before = memory.network(VNI).orElseThrow();
    NetworkSettings after =
        before.withTransport(new NetworkSettings.Transport(4789, false, Optional.of(new Vni(77))));
    assertTrue(memory.putNetwork(VNI, Optional.of(before), Optional.of(after.after(before))));
    store.setAway(true);
    Overlay second = start(at("10.17.2.2"), datapath);
    store.setAway(false);
    for (int i = 0; i < 100 && datapath.taken().getLast().own().vni().equals(VNI); i++) {
      clock.advance(Duration.ofSeconds(5));
      second.status();
      Thread.sleep(5);
    }
    assertEquals(new Wire(4789, new Vni(77)), datapath.taken().getLast().own());
  }

  /** A clone has the file, too. */
  @Test
  void atAnotherAddressNothingIsRemembered() throws Exception {
    live();
    assertThrows(LeaseStoreException.class, () -> start(at("10.17.2.3"), rebooted));
  }

  @Test
  void whoLeavesForgetsAndWhatMakesNoSenseIsPassedOver() throws Exception {
    Overlay first = start(at("10.17.2.2"), datapath);
    await("it is remembered", () -> text().contains("host-01"));
    first.leave();
    assertFalse(Files.exists(file));
    for (String wrong : List.of("", "written = never\n\nsubnet = 1", "\n\n\n")) {
      Files.writeString(file, wrong);
      assertEquals(Optional.empty(), new SnapshotFile(file).recall(), wrong);
    }
    try (var files = Files.list(file.getParent())) {
      assertEquals(List.of(file), files.toList());
    }
  }
}
