// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How a host starts, starts again and leaves. */
final class OverlayTest extends OverlayFixture {
  @Test
  void theFirstHostBecomesATunnelEnd() throws Exception {
    Overlay overlay = start();

    Lease lease = overlay.status().lease().orElseThrow();
    assertEquals(subnet("10.244.1.0/24"), lease.subnet());
    assertEquals(Optional.of(clock.instant().plus(LEASE)), lease.expires());
    assertEquals(List.of(lease), memory.list());
    assertEquals(
        new Vtep(address("10.17.2.2"), 4789, MacAddress.parse(Fixtures.HOST_01_MAC)),
        datapath.vtep());
    assertEquals(List.of(new LocalSubnet(lease.subnet(), 0)), datapath.read().locals());
    assertTrue(overlay.status().storeConnected());
    assertEquals(List.of(), overlay.status().problems());
  }

  @Test
  void hostsComeAndGoWhileOthersRun() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    Overlay one = start();
    Overlay two = start(config("host-02", "10.18.2.2"), new FakeDatapath());
    assertEquals(subnet("10.244.2.0/24"), two.status().lease().orElseThrow().subnet());

    await("each sees the other", () -> remotes(one).equals(List.of("10.244.2.0/24 10.18.2.2")));
    await("each sees the other", () -> remotes(two).equals(List.of("10.244.1.0/24 10.17.2.2")));
    assertEquals(Optional.of(viaRouter("10.17.2.1")), one.status().remotes().getFirst().nextHop());
    assertTrue(two.status().remotes().getFirst().nextHop().isEmpty(), "no route, not no entry");

    two.leave();
    await("the other is gone", () -> remotes(one).isEmpty());
    assertEquals(1, memory.list().size());
  }

  @Test
  void closingKeepsLeaseAndTables() throws Exception {
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    overlay.close();

    assertEquals(2, memory.list().size());
    assertEquals(1, datapath.read().remotes().size());
    assertFalse(datapath.isRemoved());
    assertEquals(0, datapath.listeners());
    var e = assertThrows(IllegalStateException.class, overlay::status);
    assertEquals("The overlay of host-01 is closed.", e.getMessage());
    overlay.close();
  }

  @Test
  void leavingReleasesAndRemovesEverything() {
    Overlay overlay = start();
    overlay.leave();
    assertEquals(List.of(), memory.list());
    assertTrue(datapath.isRemoved());
    assertThrows(IllegalStateException.class, overlay::status);
  }

  @Test
  void leavingKeepsALeaseThatSomebodyWrote() {
    peer("10.244.5.0/24", "host-01", "10.17.2.2");
    start().leave();
    assertEquals(1, memory.list().size());
    assertTrue(datapath.isRemoved());
  }

  @Test
  void leavingWithoutAStoreRemovesAllElseAndSaysSo() {
    Overlay overlay = start();
    store.setAway(true);
    var e = assertThrows(LeaseStoreException.class, overlay::leave);
    assertEquals(
        "This host left, but its lease of 10.244.1.0/24 (VNI 1) could not be released: The store is"
            + " away; wait for it.",
        e.getMessage());
    assertTrue(datapath.isRemoved());
  }

  @Test
  void aRestartKeepsTheLeaseTheTablesAndTheContainers() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay first = start();
    Endpoint endpoint = first.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    await("the peer", () -> remotes(first).size() == 1);
    first.close();
    int written = datapath.applied().size();

    Overlay second = start();
    await("the snapshot", () -> second.status().storeRevision() > 0);
    second.status();
    assertEquals(subnet("10.244.1.0/24"), second.status().lease().orElseThrow().subnet());
    assertEquals(2, second.status().lease().orElseThrow().generation());
    assertEquals(List.of(endpoint), second.status().endpoints());
    assertEquals(written, datapath.applied().size(), "nothing differed, so nothing was written");
    assertEquals(
        address("10.244.1.3"),
        second.attach(NETNS, new InterfaceName("eth1"), Optional.empty()).address());
  }

  @Test
  void whatHappenedWhileTheAgentWasDeadIsMadeUpFor() throws Exception {
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay first = start();
    await("the peer", () -> remotes(first).size() == 1);
    first.close();
    memory.release(memory.list().getLast());
    peer("10.244.3.0/24", "host-03", "10.18.2.3");

    Overlay second = start();
    await("the change", () -> remotes(second).equals(List.of("10.244.3.0/24 10.18.2.3")));
    assertEquals(1, datapath.read().remotes().size());
  }

  @Test
  void aLeaseThatEndedMeanwhileIsAskedForAgainByItsSubnet() {
    start(config("host-01", "10.17.2.2", "10.244.0.0/16", "10.244.9.0/24", false), datapath)
        .close();
    Lease old = memory.list().getFirst();
    memory.release(old);

    Overlay again = start();
    assertEquals(subnet("10.244.9.0/24"), again.status().lease().orElseThrow().subnet());
  }

  @Test
  void aFailedStartGivesANewLeaseBack() {
    datapath.failStart(new IllegalStateException("The kernel has no BPF."));
    var e = assertThrows(IllegalStateException.class, this::start);
    assertEquals("The kernel has no BPF.", e.getMessage());
    assertEquals(List.of(), memory.list());
  }

  @Test
  void aFailedStartKeepsAnOldLease() {
    start().close();
    datapath.failStart(new IllegalStateException("The kernel has no BPF."));
    assertThrows(IllegalStateException.class, this::start);
    assertEquals(1, memory.list().size());
  }

  @Test
  void anMtuThatIsTooSmallIsAClearWord() {
    datapath.setMtu(575);
    var e = assertThrows(RefusedException.class, this::start);
    assertEquals(
        "The underlay interface leaves containers an MTU of 575 bytes, and at least 576 are needed;"
            + " raise the underlay interface's MTU.",
        e.getMessage());
    assertEquals(List.of(), memory.list());
  }

  @Test
  void aConfigurationThatAsksForAnotherSubnetThanIsHeldIsShown() {
    start().close();
    Overlay overlay =
        start(config("host-01", "10.17.2.2", "10.244.0.0/16", "10.244.7.0/24", false), datapath);
    assertEquals(
        List.of(
            "This host holds 10.244.1.0/24 (VNI 1) though its configuration asks for 10.244.7.0/24;"
                + " leave the overlay and start again to change it."),
        overlay.status().problems());
  }
}
