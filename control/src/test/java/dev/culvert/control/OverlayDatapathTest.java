// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.onLink;
import static dev.culvert.control.Fixtures.subnet;
import static dev.culvert.control.Fixtures.viaRouter;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.TakenException;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a running overlay keeps in its datapath: ways to other hosts, containers and bridges. */
final class OverlayDatapathTest extends OverlayFixture {
  @Test
  void nextHopsFollowTheKernelAndBurstsAreOneLook() throws Exception {
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    int written = datapath.applied().size();

    for (int i = 2; i < 200; i++) {
      datapath.route("10.18.2.2", viaRouter("10.17.2." + i));
    }
    overlay.status();
    clock.advance(Duration.ofSeconds(1));
    await(
        "the last route",
        () ->
            overlay
                .status()
                .remotes()
                .getFirst()
                .nextHop()
                .equals(Optional.of(viaRouter("10.17.2.199"))));
    assertEquals(written + 1, datapath.applied().size());
  }

  @Test
  void aSecondOverlayOnOneDatapathIsRefusedAndHarmsNothing() {
    Overlay first = start();
    OverlayStatus before = first.status();
    TakenException refused =
        assertThrows(TakenException.class, () -> start(config("host-02", "10.17.2.3"), datapath));
    assertEquals(
        "The overlay of host-01 works on this datapath already, and that of host-02 would write"
            + " over its entries: close it first, or open another datapath.",
        refused.getMessage());
    assertEquals(before.leases(), first.status().leases());
    assertEquals(1, memory.list().size(), "it leased nothing");
    assertEquals(1, datapath.listeners(), "and listens to nothing");

    first.close();
    start().leave();
    start(config("host-02", "10.17.2.3"), datapath);
  }

  @Test
  void directRoutingWhereTheLinkIsShared() throws Exception {
    datapath.route("10.17.2.3", onLink("10.17.2.3"));
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    peer("10.244.3.0/24", "host-03", "10.17.2.3");
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start(config("host-01", "10.17.2.2", "10.244.0.0/16", null, true), datapath);
    await("both", () -> remotes(overlay).size() == 2);
    assertEquals(
        List.of(false, true),
        overlay.status().remotes().stream().map(RemoteSubnet::direct).toList());
  }

  @Test
  void aRefusedChangeIsShownAndRetried() throws Exception {
    datapath.refuse(Change.PutRemote.class::isInstance);
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the failure", () -> !overlay.status().pending().isEmpty());
    assertTrue(
        overlay.status().pending().getFirst().contains("map full (E2BIG)"),
        overlay.status().pending().toString());
    datapath.refuse(_ -> false);
    overlay.status();
    assertEquals(List.of(), remotes(overlay), "not before its time");
    clock.advance(Duration.ofMinutes(1));
    await("the retry", () -> remotes(overlay).size() == 1);
    assertEquals(List.of(), overlay.status().pending());
  }

  @Test
  void tablesThatSomebodyElseEmptiedAreFilledAgain() throws Exception {
    peer("10.244.2.0/24", "host-02", "10.18.2.2");
    Overlay overlay = start();
    await("the peer", () -> remotes(overlay).size() == 1);
    datapath.flush();
    clock.advance(Duration.ofSeconds(31));
    await("the audit", () -> datapath.read().remotes().size() == 1);
    assertEquals(1, datapath.read().locals().size());
  }

  @Test
  void containersGetAddressesGatewayAndMtu() {
    Overlay overlay = start();
    assertEquals(
        address("10.244.1.2"),
        overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty()).address());
    InetAddress wanted = address("10.244.1.77");
    assertEquals(
        wanted, overlay.attach(NETNS, new InterfaceName("eth1"), Optional.of(wanted)).address());
    var e =
        assertThrows(
            RefusedException.class,
            () -> overlay.attach(NETNS, new InterfaceName("eth2"), Optional.of(wanted)));
    assertEquals("The address 10.244.1.77 is taken by a container.", e.getMessage());
    var attachment = datapath.attachments().getFirst();
    assertEquals(address("10.244.1.1"), attachment.addresses().getFirst().gateway());
    assertEquals(1450, attachment.mtuBytes());

    overlay.detach(address("10.244.1.2"));
    overlay.detach(address("10.244.1.2"));
    assertEquals(
        address("10.244.1.2"),
        overlay.attach(NETNS, new InterfaceName("eth3"), Optional.empty()).address());
  }

  @Test
  void aContainerWhoseInterfaceVanishedIsForgotten() throws Exception {
    Overlay overlay = start();
    Endpoint one = overlay.attach(NETNS, new InterfaceName("eth0"), Optional.empty());
    Endpoint two = overlay.attach(NETNS, new InterfaceName("eth1"), Optional.empty());
    datapath.vanish(one.address());
    overlay.status();
    clock.advance(Duration.ofSeconds(1));
    await("one left", () -> overlay.status().endpoints().equals(List.of(two)));
    assertEquals(1, datapath.read().endpoints().size());
  }

  @Test
  void aForeignBridgeStaysAttachedOverARestart() throws Exception {
    Overlay first = start();
    first.attachBridge(new InterfaceName("br0"));
    clock.advance(Duration.ofSeconds(31));
    first.status();
    first.status();
    var withBridge = List.of(new LocalSubnet(subnet("10.244.1.0/24"), 77));
    assertEquals(withBridge, datapath.read().locals());
    first.close();

    Overlay second = start();
    await("the snapshot", () -> second.status().storeRevision() > 0);
    second.status();
    assertEquals(withBridge, datapath.read().locals());
    second.detachBridge(new InterfaceName("br0"));
    second.status();
    assertEquals(List.of(new LocalSubnet(subnet("10.244.1.0/24"), 0)), datapath.read().locals());
  }

  @Test
  void aChangeOfTheNetworkHasTheDatapathLookAtItsDevices() throws Exception {
    Overlay _ = start();
    await("the first look", () -> datapath.refreshes() > 0);
    int before = datapath.refreshes();
    datapath.route("10.18.2.2", viaRouter("10.17.2.1"));
    await(
        "another look",
        () -> {
          clock.advance(Duration.ofMillis(100)); // the burst is over at some time
          return datapath.refreshes() > before;
        });
  }
}
