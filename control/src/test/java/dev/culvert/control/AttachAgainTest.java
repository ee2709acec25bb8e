// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.InterfaceExistsException;
import dev.culvert.datapath.OutsideSubnetException;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Who asks again is answered with what is there, and what is refused says so by its type. */
final class AttachAgainTest extends OverlayFixture {
  private static final Path NETNS = Path.of("/run/netns/c1");
  private static final InterfaceName ETH0 = new InterfaceName("eth0");

  private static ContainerEnd labelled(String label) {
    return new ContainerEnd(NETNS, ETH0, Optional.of(new ContainerLabel(label)));
  }

  @Test
  void theSameWishIsAnsweredWithWhatIsThere() {
    Overlay overlay = start();
    Endpoint first = overlay.attach(NETNS, ETH0, Optional.empty());
    assertEquals(first, overlay.attach(NETNS, ETH0, Optional.empty()));
    assertEquals(first, overlay.attach(NETNS, ETH0, List.of(first.address())));
    assertEquals(1, datapath.attachments().size(), "asked of the datapath");
  }

  @Test
  void anotherAddressIsRefusedInWords() {
    Overlay overlay = start();
    Endpoint first = overlay.attach(NETNS, ETH0, Optional.empty());
    var refused =
        assertThrows(
            InterfaceExistsException.class,
            () -> overlay.attach(NETNS, ETH0, List.of(address("10.244.1.9"))));
    assertEquals(
        "The interface eth0 of /run/netns/c1 is in the overlay already, with 10.244.1.2 and no"
            + " label, and 10.244.1.9 was asked for: ask for what it has, detach it first, or choose"
            + " another name.",
        refused.getMessage());
    assertEquals(List.of(first), overlay.status().endpoints());
  }

  @Test
  void aLabelIsKeptAcrossRestartsAndToldApart() {
    Endpoint first = start().attach(labelled("web/one"), List.of());
    overlays.getFirst().close();

    Overlay again = start();
    assertEquals(List.of(first), again.status().endpoints());
    assertEquals(
        Optional.of(labelled("web/one")), again.status().endpoints().getFirst().container());
    assertEquals(first, again.attach(labelled("web/one"), List.of()));
    assertEquals(first, again.attach(NETNS, ETH0, Optional.empty()), "whatever its label");
    var refused =
        assertThrows(
            InterfaceExistsException.class, () -> again.attach(labelled("web/two"), List.of()));
    assertEquals(
        "The interface eth0 of /run/netns/c1 is in the overlay already, with 10.244.1.2 and the"
            + " label web/one, and the label web/two was asked for: ask for what it has, detach it"
            + " first, or choose another name.",
        refused.getMessage());
  }

  @Test
  void whatWasThereIsNotTakenBack() {
    OverlayCore core =
        new OverlayCore(
            config("host-01", "10.17.2.2"),
            new OverlayCore.Surroundings(store, datapath, new SteadyClock(clock)),
            _ -> {});
    core.start();
    ContainerEnd container = new ContainerEnd(NETNS, ETH0);
    Attached made = core.containers().attach(container, List.of());
    core.containers().attach(container, List.of()).undo(core.containers());
    assertEquals(List.of(made.endpoint()), datapath.read().endpoints());
    made.undo(core.containers());
    assertEquals(List.of(), datapath.read().endpoints());
    core.stop();
  }

  @Test
  void eachRefusalHasATypeOfItsOwn() {
    Overlay overlay = start();
    overlay.attach(NETNS, ETH0, Optional.empty());
    InterfaceName eth1 = new InterfaceName("eth1");
    assertThrows(
        TakenException.class, () -> overlay.attach(NETNS, eth1, List.of(address("10.244.1.2"))));
    assertThrows(
        TakenException.class, () -> overlay.attach(NETNS, eth1, List.of(address("10.244.1.1"))));
    assertThrows(
        OutsideSubnetException.class,
        () -> overlay.attach(NETNS, eth1, List.of(address("10.244.2.2"))));
    assertThrows(
        OutsideSubnetException.class,
        () -> overlay.attach(NETNS, eth1, List.of(address("fd00::2"))));
    for (int i = 1; i < 253; i++) {
      overlay.attach(NETNS, new InterfaceName("eth" + i), Optional.empty());
    }
    RefusedException full =
        assertThrows(
            PoolExhaustedException.class,
            () -> overlay.attach(NETNS, new InterfaceName("more0"), Optional.empty()));
    assertEquals(
        "The subnet 10.244.1.0/24 has no free address: 253 containers fill it; detach some, or use"
            + " larger subnets.",
        full.getMessage());
  }

  @Test
  void aWantedSubnetThatIsLeasedIsTaken() {
    peer("10.244.7.0/24", "host-07", "10.17.2.7");
    assertThrows(
        TakenException.class,
        () ->
            start(
                config("host-01", "10.17.2.2", "10.244.0.0/16", "10.244.7.0/24", false), datapath));
  }

  @Test
  void aNetworkWithoutAFreeSubnetIsExhausted() {
    peer("10.244.7.0/24", "host-07", "10.17.2.7");
    assertThrows(
        PoolExhaustedException.class,
        () -> start(config("host-01", "10.17.2.2", "10.244.7.0/24", null, false), datapath));
  }
}
