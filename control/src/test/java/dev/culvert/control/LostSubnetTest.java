// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The loser of a dispute: it withdraws, says so, and takes another subnet where it can. */
final class LostSubnetTest extends OverlayFixture {
  private static final String LOSS =
      "This host lost its lease of 10.244.1.0/24 (VNI 1): host-09 at 10.18.2.9:4789";

  private void lose(Overlay overlay) throws Exception {
    Lease own = overlay.status().lease().orElseThrow();
    memory.renew(own, Fixtures.lease("10.244.1.0/24", "host-09", 1, "10.18.2.9", 1));
    await("the loss", () -> says(overlay, LOSS));
    assertEquals(List.of(), datapath.locals());
  }

  private static boolean says(Overlay overlay, String beginning) {
    return overlay.status().problems().stream().anyMatch(problem -> problem.startsWith(beginning));
  }

  private static String subnet(Overlay overlay) {
    return overlay.status().lease().orElseThrow().subnet().prefix().toString();
  }

  @Test
  void withoutContainersItTakesAnotherAfterAWhile() throws Exception {
    Overlay overlay = start();
    lose(overlay);
    clock.advance(LeaseKeeper.PATIENCE.minusSeconds(1));
    assertEquals("10.244.1.0/24", subnet(overlay));
    clock.advance(Duration.ofSeconds(1));
    await("another", () -> !subnet(overlay).equals("10.244.1.0/24"));
    assertEquals("10.244.2.0/24", subnet(overlay));
    await("it forwards that", () -> datapath.locals().size() == 1);
    assertEquals(IpPrefix.parse("10.244.2.0/24"), datapath.locals().getFirst().subnet().prefix());
    assertEquals(address("10.244.2.1"), datapath.gateways().getFirst().address());
    assertEquals(List.of(), overlay.status().problems());
    assertEquals(2, memory.list().size());
    Endpoint container =
        overlay.attach(Path.of("/run/netns/c1"), new InterfaceName("eth0"), Optional.empty());
    assertEquals(List.of(address("10.244.2.2")), container.addresses());
  }

  @Test
  void withContainersItSaysWhatToDoAndWaitsForThat() throws Exception {
    Overlay overlay = start();
    Endpoint container =
        overlay.attach(Path.of("/run/netns/c1"), new InterfaceName("eth0"), Optional.empty());
    lose(overlay);
    assertTrue(
        overlay
            .status()
            .problems()
            .getFirst()
            .endsWith(
                "cut off. Run \"culvert detach\" for each of them (and for bridges), and this host"
                    + " takes another subnet by itself; or run \"culvert leave\" on host-09, and"
                    + " this host takes its own back."),
        overlay.status().problems().toString());
    for (int i = 0; i < 5; i++) {
      clock.advance(LeaseKeeper.PATIENCE);
      assertEquals("10.244.1.0/24", subnet(overlay));
    }
    overlay.detach(container.address());
    clock.advance(LeaseKeeper.PATIENCE);
    await("another", () -> subnet(overlay).equals("10.244.2.0/24"));
  }

  @Test
  void aBridgeIsAsGoodAsAContainer() throws Exception {
    Overlay overlay = start();
    overlay.attachBridge(new InterfaceName("br0"));
    lose(overlay);
    for (int i = 0; i < 5; i++) {
      clock.advance(LeaseKeeper.PATIENCE);
      assertEquals("10.244.1.0/24", subnet(overlay));
    }
  }

  @Test
  void whoseConfigurationAsksForThatSubnetTakesNoOther() throws Exception {
    Overlay overlay =
        start(config("host-01", "10.17.2.2", "10.244.0.0/16", "10.244.1.0/24", false), datapath);
    lose(overlay);
    for (int i = 0; i < 5; i++) {
      clock.advance(LeaseKeeper.PATIENCE);
      assertEquals("10.244.1.0/24", subnet(overlay));
    }
    assertTrue(
        overlay.status().problems().getFirst().contains("Change \"subnet\" in this host's"),
        overlay.status().problems().toString());
  }

  /** Whoever has it may be about to write it again, and others too. */
  @Test
  void whileTheStoreLooksNewItWaits() throws Exception {
    Overlay overlay = start();
    lose(overlay);
    store.setLooksNew(true);
    for (int i = 0; i < 5; i++) {
      clock.advance(LeaseKeeper.PATIENCE);
      assertEquals("10.244.1.0/24", subnet(overlay));
    }
    store.setLooksNew(false);
    clock.advance(LeaseKeeper.PATIENCE);
    await("another", () -> subnet(overlay).equals("10.244.2.0/24"));
  }
}
