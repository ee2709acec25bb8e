// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.VNI;
import static dev.culvert.control.Fixtures.address;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.NetworkSettings.Transport;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Wire;
import dev.culvert.datapath.Wires;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A network changes while its hosts run: what each takes, sends and says, and in which order. */
final class ChangeoverTest extends OverlayFixture {
  private static final Wire OLD = new Wire(4789, VNI);
  private static final Wire NEW = new Wire(8472, new Vni(77));

  private final FakeDatapath second = new FakeDatapath();

  private Overlay startSecond() {
    return start(config("host-02", "10.18.2.2"), second);
  }

  private void change(Transport transport) {
    NetworkSettings before = memory.network(VNI).orElseThrow();
    NetworkSettings wanted =
        new NetworkSettings(VNI, before.networks(), transport, before.reservations());
    assertTrue(memory.putNetwork(VNI, Optional.of(before), Optional.of(wanted.after(before))));
  }

  private void change() {
    change(new Transport(8472, false, Optional.of(new Vni(77))));
  }

  /** Time passes for all, a bit at a time, until something is so. */
  private void awaitLater(String what, java.util.function.BooleanSupplier condition)
      throws InterruptedException {
    for (int i = 0; i < 200 && !condition.getAsBoolean(); i++) {
      clock.advance(Duration.ofSeconds(1));
      overlays.forEach(Overlay::status);
      Thread.sleep(5);
    }
    assertTrue(condition.getAsBoolean(), what);
  }

  private void pass(Duration time) throws InterruptedException {
    for (long i = 0; i < time.toSeconds(); i++) {
      clock.advance(Duration.ofSeconds(1));
      overlays.forEach(Overlay::status);
      Thread.sleep(5);
    }
  }

  private Lease leaseOf(String host) {
    return memory.list().stream()
        .filter(lease -> lease.host().text().equals(host))
        .findFirst()
        .orElseThrow();
  }

  private Lease.Stage stage(String host) {
    return leaseOf(host).stage();
  }

  private static RemoteSubnet entry(FakeDatapath datapath, String vtep) {
    return datapath.read().remotes().stream()
        .filter(remote -> remote.remote().address().equals(address(vtep)))
        .findFirst()
        .orElseThrow();
  }

  private void lasts(String host, String prefix, String vtep) {
    Lease lease = Fixtures.lease(prefix, host, 1, vtep, 1);
    memory.acquire(
        lease.withTerm(Optional.of(Lease.Term.from(clock.instant(), Duration.ofDays(1)))));
  }

  @Test
  void eachTakesBothBeforeAnybodySendsTheNewAndUntilNobodySendsTheOld() throws Exception {
    Overlay overlay = start();
    startSecond();
    change();
    awaitLater(
        "all are done",
        () ->
            second.taken().getLast().equals(Wires.of(NEW))
                && datapath.taken().getLast().equals(Wires.of(NEW)));
    for (FakeDatapath each : List.of(datapath, second)) {
      assertEquals(
          List.of(Wires.of(OLD), new Wires(OLD, NEW), new Wires(NEW, OLD), Wires.of(NEW)),
          each.taken());
      assertEquals(8472, each.vtep().port(), "the device was made anew");
    }
    assertEquals(new Lease.Stage(1, 1), stage("host-01"));
    assertEquals(8472, leaseOf("host-01").vtep().port());
    assertEquals(new Vni(77), entry(datapath, "10.18.2.2").wireVni());
    assertEquals(8472, entry(datapath, "10.18.2.2").remote().port());
    assertEquals(List.of(), overlay.status().pending());
    assertTrue(
        overlay.status().problems().getFirst().startsWith("The network was changed, and this host"),
        "its configuration says 4789: " + overlay.status().problems());
  }

  /** It goes on as before for as long as its lease counts, and nobody stops to take that. */
  @Test
  void aHostThatIsAwayHoldsTheOthersUp() throws Exception {
    Overlay overlay = start();
    startSecond();
    lasts("host-09", "10.244.9.0/24", "10.19.2.2");
    change();
    awaitLater(
        "they accept", () -> stage("host-01").accepts() == 1 && stage("host-02").accepts() == 1);
    pass(Duration.ofMinutes(5));
    assertEquals(new Lease.Stage(1, 0), stage("host-01"));
    assertEquals(new Wires(OLD, NEW), datapath.taken().getLast());
    assertEquals(OLD.vni(), entry(datapath, "10.19.2.2").wireVni());
    assertEquals(4789, entry(datapath, "10.19.2.2").remote().port());
    assertEquals(NEW.vni(), entry(datapath, "10.18.2.2").wireVni());
    assertTrue(
        overlay.status().problems().stream()
            .anyMatch(problem -> problem.endsWith("; not yet: host-09.")),
        overlay.status().problems().toString());

    // It is back, takes both, and sends the new: but for the last word it holds them up still.
    Lease away = leaseOf("host-09");
    var back = new Lease.Stage(1, 0);
    var _ = memory.renew(away, staged(away, back));
    awaitLater("they send", () -> stage("host-01").sends() == 1 && stage("host-02").sends() == 1);
    pass(Duration.ofMinutes(1));
    assertEquals(new Wires(NEW, OLD), datapath.taken().getLast());
    Lease there = leaseOf("host-09");
    var _ = memory.renew(there, staged(there, new Lease.Stage(1, 1)));
    awaitLater("they are done", () -> datapath.taken().getLast().equals(Wires.of(NEW)));
  }

  private static Lease staged(Lease lease, Lease.Stage stage) {
    return new Lease(
        lease.subnet(), lease.host(), lease.vtep(), lease.generation(), lease.term(), stage);
  }

  @Test
  void barePacketsAreTakenBeforeAndAfterTheyAreSent() throws Exception {
    NextHop onLink = new NextHop(7, address("10.17.2.2"), address("10.17.2.3"), 1500, true);
    datapath.route("10.17.2.3", onLink);
    start();
    start(config("host-02", "10.17.2.3"), second);
    change(new Transport(4789, true));
    awaitLater(
        "it takes them",
        () -> entry(datapath, "10.17.2.3").bareToo() || entry(datapath, "10.17.2.3").direct());
    awaitLater("it sends them", () -> entry(datapath, "10.17.2.3").direct());
    awaitLater(
        "all are done", () -> stage("host-01").sends() == 1 && stage("host-02").sends() == 1);
    pass(Duration.ofSeconds(20));
    change(new Transport(4789, false));
    awaitLater("it sends none", () -> !entry(datapath, "10.17.2.3").direct());
    assertTrue(entry(datapath, "10.17.2.3").bareToo());
    awaitLater("it takes none", () -> !entry(datapath, "10.17.2.3").bareToo());
    assertEquals(new Lease.Stage(2, 2), stage("host-01"));
  }

  @Test
  void aDatapathOfOneSocketSaysSoAndIsSentToAsBefore() throws Exception {
    second.takeOneAlone();
    start();
    Overlay other = startSecond();
    change();
    awaitLater("host-01 accepts", () -> stage("host-01").accepts() == 1);
    pass(Duration.ofMinutes(1));
    assertEquals(Lease.Stage.NONE, stage("host-02"));
    assertEquals(OLD.vni(), entry(datapath, "10.18.2.2").wireVni());
    assertTrue(
        other.status().problems().stream().anyMatch(p -> p.contains("restart this agent")),
        other.status().problems().toString());
  }

  /** What others send already is taken from the first packet on. */
  @Test
  void aHostThatComesInBetweenTakesBoth() throws Exception {
    start();
    lasts("host-09", "10.244.9.0/24", "10.19.2.2");
    change();
    awaitLater("host-01 accepts", () -> stage("host-01").accepts() == 1);
    OverlayConfig follows =
        OverlayConfig.builder(new HostName("host-02"), address("10.18.2.2"))
            .network(dev.culvert.datapath.IpPrefix.parse("10.244.0.0/16"))
            .directRouting(false)
            .port(4789)
            .followPort(true)
            .leaseDuration(LEASE)
            .build();
    Overlay late = start(follows, second);
    assertEquals(List.of(new Wires(NEW, OLD)), second.taken());
    assertEquals(new Lease.Stage(1, 0), stage("host-02"));
    assertEquals(8472, leaseOf("host-02").vtep().port());
    assertTrue(late.status().problems().stream().noneMatch(p -> p.contains("configuration")));
  }
}
