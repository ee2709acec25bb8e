// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.RefusedException;
import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Pins that are not there any more, or not to be seen, when an agent starts again: what the host
 * has is believed, and nothing is deleted on the word of an empty folder.
 */
@RequiresRoot
@Tag("netns")
class LostPinsNetnsTest extends OneHostFixture {
  private static final Path ELSEWHERE = PINS.resolveSibling("cv-dp-elsewhere");

  /** Somebody emptied the bpf file system; the kernel then takes programs and maps away. */
  @Test
  void containersAreFoundByTheirInterfacesWhenThePinsAreGone() throws Exception {
    EbpfDatapath first = start();
    Endpoint one = attach(first, C1, "10.244.1.2");
    Endpoint two = attach(first, C2, "10.244.1.3");
    Datapath.State before = first.read();
    first.close();
    Pins.leftBehind(PINS).removeAll(Tables.MAPS);
    assertTrue(Files.notExists(PINS), "pins are left");

    EbpfDatapath next = start();

    assertEquals(before.endpoints(), next.read().endpoints());
    assertEquals(List.of(), next.problems());
    ping(C1, "10.244.1.3");
    ping(C2, "10.244.1.1");
    Commands.in(HOST, "ping -c 1 -W 2 10.244.1.2");
    next.detach(VNI, one.address());
    assertEquals(List.of(two), next.read().endpoints());
    assertEquals("", Commands.run("ip -n " + C1 + " -br link show type veth"));
  }

  /** Without its route, nothing says which container it is: it stays, and is told. */
  @Test
  void aPairThatNothingTellsOfStaysAndIsTold() throws Exception {
    EbpfDatapath first = start();
    Endpoint endpoint = attach(first, C1, "10.244.1.2");
    String device = nameOf(endpoint.interfaceIndex());
    first.close();
    Pins.leftBehind(PINS).removeAll(Tables.MAPS);
    Commands.in(HOST, "ip route del 10.244.1.2");

    EbpfDatapath next = start();

    assertEquals(List.of(), next.read().endpoints());
    assertEquals(device, nameOf(endpoint.interfaceIndex()));
    assertTrue(
        next.problems().getFirst().contains("The interface " + device), next.problems()::toString);
  }

  /** As behind a file system that is mounted over them: what runs goes on, and nobody joins it. */
  @Test
  void pinsThatAreElsewhereRefuseAStart() throws Exception {
    EbpfDatapath first = start();
    attach(first, C1, "10.244.1.2");
    attach(first, C2, "10.244.1.3");
    first.close();
    Files.move(PINS, ELSEWHERE);
    try {
      var refused = assertThrows(RefusedException.class, () -> open(config()));
      assertTrue(refused.getMessage().contains("pins are not in"), refused.getMessage());
      assertTrue(Files.notExists(PINS), "a refused start leaves pins");
      ping(C1, "10.244.1.3");
    } finally {
      moveBack();
    }
    assertEquals(
        List.of("10.244.1.2", "10.244.1.3"),
        addresses(start()).stream().map(a -> a.getHostAddress()).toList());
  }

  private static void moveBack() throws IOException {
    Files.move(ELSEWHERE, PINS);
  }

  private static String nameOf(int index) {
    return Commands.run("ip -n " + HOST + " -o link")
        .lines()
        .filter(line -> line.startsWith(index + ": "))
        .map(line -> line.split(": ", -1)[1].replaceFirst("@.*", ""))
        .findFirst()
        .orElse("");
  }
}
