// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.VNI;
import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.TakenException;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What all hosts agree on, in the store: the first writes it, whoever contradicts is refused. */
final class NetworkAgreementTest extends OverlayFixture {
  private static OverlayConfig.Network network(String prefix, int length) {
    return new OverlayConfig.Network(IpPrefix.parse(prefix), length, Optional.empty());
  }

  private void reserve(List<String> never, Map<String, String> byHost) {
    NetworkSettings before = NetworkSettings.of(config("any", "10.17.2.9"), datapath.port());
    var names = new java.util.HashMap<HostName, List<IpPrefix>>();
    byHost.forEach(
        (host, prefix) -> names.put(new HostName(host), List.of(IpPrefix.parse(prefix))));
    Optional<NetworkSettings> there = memory.network(VNI);
    assertTrue(
        memory.putNetwork(
            VNI,
            there,
            Optional.of(
                before.withReservations(
                    new Reservations(never.stream().map(IpPrefix::parse).toList(), names)))));
  }

  private static String held(Overlay overlay) {
    return overlay.status().lease().orElseThrow().subnet().prefix().toString();
  }

  @Test
  void theFirstHostWritesItAndTheSameConfigurationAgrees() {
    start();
    NetworkSettings written = memory.network(VNI).orElseThrow();
    assertEquals(
        "{network=10.244.0.0/16, subnetLength=24, vni=1, port=4789, directRouting=false}",
        written.agreed().toString());
    Overlay second = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    assertEquals(List.of(), second.status().problems());
    assertEquals(Optional.of(written), memory.network(VNI));
  }

  @Test
  void aConfigurationThatContradictsIsRefusedWithKeysAndBothValues() {
    start();
    List<Lease> leases = memory.list();
    OverlayConfig other =
        OverlayConfig.builder(new HostName("host-02"), address("10.18.2.2"))
            .network(network("10.244.0.0/16", 26))
            .network(network("fd00:244::/48", 64))
            .directRouting(true)
            .leaseDuration(LEASE)
            .build();
    var e = assertThrows(NetworkMismatchException.class, () -> start(other, new FakeDatapath()));
    assertEquals(
        "The configuration of this host contradicts the network in the store: subnetLength is 24"
            + " there and 26 here, directRouting is false there and true here, network6 is missing"
            + " there and fd00:244::/48 here, subnetLength6 is missing there and 64 here; change"
            + " the configuration, or the store by \"culvert store network\".",
        e.getMessage());
    assertEquals(leases, memory.list());
  }

  /** Also a host that was a member before: its packets go on, as the kernel has them. */
  @Test
  void aRestartThatContradictsIsRefusedAndChangesNothing() {
    start().close();
    NetworkSettings written = memory.network(VNI).orElseThrow();
    assertTrue(
        memory.putNetwork(
            VNI,
            Optional.of(written),
            Optional.of(
                new NetworkSettings(
                    VNI,
                    written.networks(),
                    new NetworkSettings.Transport(8472, false),
                    Reservations.NONE))));
    var before = datapath.read();
    var e = assertThrows(RefusedException.class, this::start);
    assertTrue(e.getMessage().contains(": port is 8472 there and 4789 here;"), e.getMessage());
    assertEquals(before, datapath.read());
  }

  @Test
  void aChangeIsToldToWhoRunsAndAStoreThatLostItGetsItBack() throws Exception {
    Overlay running = start();
    NetworkSettings written = memory.network(VNI).orElseThrow();
    NetworkSettings changed =
        new NetworkSettings(
            VNI, written.networks(), new NetworkSettings.Transport(4789, true), Reservations.NONE);
    memory.putNetwork(VNI, Optional.of(written), Optional.of(changed));
    clock.advance(Duration.ofSeconds(31));
    await(
        "it is told",
        () ->
            running.status().problems().stream()
                .anyMatch(told ->
                    told.startsWith("The network in the store is not what this host goes by:")
                        && told.contains("directRouting is true there and false here")));
    memory.putNetwork(VNI, Optional.of(changed), Optional.of(written));
    clock.advance(Duration.ofSeconds(31));
    await("it is well", () -> running.status().problems().isEmpty());

    store.loseNetworks();
    clock.advance(Duration.ofSeconds(31));
    await(
        "it is written again",
        () -> running.status().problems().isEmpty() && !store.isNetworkLost());
  }

  /** So that a network that everybody left may come again as another. */
  @Test
  void theLastHostTakesItAlong() {
    Overlay first = start();
    Overlay second = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    first.leave();
    assertTrue(memory.network(VNI).isPresent());
    second.leave();
    assertEquals(Optional.empty(), memory.network(VNI));
  }

  @Test
  void whatPeopleReservedStays() {
    reserve(List.of("10.244.1.0/24"), Map.of());
    start().leave();
    assertTrue(memory.network(VNI).isPresent());
  }

  /** Or the corrected configuration would be refused for the wrong one. */
  @Test
  void aFailedFirstStartLeavesNothing() {
    datapath.failStart(new RefusedException("No such interface."));
    assertThrows(RuntimeException.class, this::start);
    assertEquals(Optional.empty(), memory.network(VNI));
  }

  @Test
  void reservedSubnetsAreGivenToNobodyElse() {
    reserve(
        List.of("10.244.1.0/24", "10.244.4.0/23"),
        Map.of("host-02", "10.244.2.0/24", "host-07", "10.244.6.0/24"));
    assertEquals("10.244.3.0/24", held(start()));
    assertEquals("10.244.7.0/24", held(start(config("host-03", "10.18.2.3"), new FakeDatapath())));
    assertEquals("10.244.2.0/24", held(start(config("host-02", "10.18.2.2"), new FakeDatapath())));
  }

  @Test
  void whoAsksForWhatIsReservedIsRefused() {
    reserve(List.of("10.244.4.0/24"), Map.of("host-07", "10.244.7.0/24"));
    for (String[] wanted :
        new String[][] {
          {
            "host-01",
            "10.244.7.0/24",
            "The wanted subnet 10.244.7.0/24 is reserved for host-07, as the network in the store"
                + " says; ask for another subnet, or for none."
          },
          {
            "host-01",
            "10.244.4.0/24",
            "The wanted subnet 10.244.4.0/24 is never given, as the network in the store says; ask"
                + " for another subnet, or for none."
          },
        }) {
      OverlayConfig config = config(wanted[0], "10.17.2.2", "10.244.0.0/16", wanted[1], false);
      var e = assertThrows(TakenException.class, () -> start(config, new FakeDatapath()));
      assertEquals(wanted[2], e.getMessage());
    }
    OverlayConfig seven = config("host-07", "10.17.2.7", "10.244.0.0/16", "10.244.9.0/24", false);
    var e = assertThrows(RefusedException.class, () -> start(seven, new FakeDatapath()));
    assertEquals(
        "The wanted subnet 10.244.9.0/24 is not the one that the network in the store reserves for"
            + " host-07, 10.244.7.0/24; ask for that one, or for none.",
        e.getMessage());
  }

  @Test
  void whoHoldsWhatIsReservedLaterKeepsItAndIsTold() throws Exception {
    Overlay running = start();
    reserve(List.of(), Map.of("host-01", "10.244.7.0/24", "host-02", "10.244.1.0/24"));
    clock.advance(Duration.ofSeconds(31));
    await("it is told", () -> running.status().problems().size() == 2);
    assertEquals(
        List.of(
            "This host holds 10.244.1.0/24 (VNI 1), which is reserved for host-02 by now; leave the"
                + " overlay and start again to get another.",
            "This host holds 10.244.1.0/24 (VNI 1) though 10.244.7.0/24 is reserved for it; leave"
                + " the overlay and start again to get it."),
        running.status().problems());
    assertEquals(subnet("10.244.1.0/24"), running.status().lease().orElseThrow().subnet());
  }
}
