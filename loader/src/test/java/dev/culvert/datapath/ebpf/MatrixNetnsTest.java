// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every kind of traffic over every kind of way, in every setting of offloads: it arrives as it was
 * sent, from the right address, without a stall and without a storm of retransmissions (plain
 * routing over the same underlay, in the same setting, is the measure), and no checksum that had to
 * be filled in is bad.
 *
 * <p>Whole: superpackets cross the underlay whole. Cut: they are cut before it, as for a wire, and
 * merged again behind it (GRO). Without offloads, the receiving container must cut again what it
 * forwards.
 */
@RequiresRoot
@Tag("netns")
class MatrixNetnsTest {
  private static final int PORT = 4789;
  private static final int TCP_BYTES = 8 << 20;

  /**
   * The measure, in segments of both directions: one in ten. Where the machine is busy, segments
   * that two processors sent overtake each other and TCP sends some again (plain routing does too);
   * a path that breaks superpackets sends nearly all of them again.
   */
  private static final int STORM = 2 * TCP_BYTES / 1400 / 10;

  private static final List<String> DATAGRAMS = List.of("plain", "segment", "gro", "fragment");

  @TempDir static Path folder;

  /** From where, to which address and port, and the source address that must be seen there. */
  private record Way(String name, String from, String to, int offset, String source, String tos) {}

  private static TwoHosts hosts;
  private static NestedContainers nested;
  private static final List<Way> WAYS = new ArrayList<>();
  private static final List<Peer> SERVERS = new ArrayList<>();
  private static final Map<String, Peer> CLIENTS = new HashMap<>();

  @BeforeAll
  static void build() throws Exception {
    hosts = new TwoHosts("cv-mx");
    Host one = hosts.host(1);
    Host two = hosts.host(2);
    hosts.startCulvert(one, two, PORT).close();
    hosts.startCulvert(two, one, PORT).close();
    nested = new NestedContainers("cv-mx", one, two, folder);
    String host = one.namespace();
    String container = one.container();
    String own = one.containerAddress();
    String gateway = one.gateway().getHostAddress();
    WAYS.add(new Way("plain routing", host, two.underlay(), 0, one.underlay(), "0"));
    WAYS.add(new Way("container", container, two.containerAddress(), 0, own, "0"));
    WAYS.add(new Way("routed on", container, two.containerAddress(), 1, own, "0x20"));
    WAYS.add(new Way("bridged on", container, two.containerAddress(), 2, own, "0x40"));
    WAYS.add(
        new Way("sent back", container, two.containerAddress(), 3, two.containerAddress(), "0x60"));
    WAYS.add(new Way("nested tunnel", container, "10.99.0.2", 0, "10.99.0.1", "0"));
    WAYS.add(new Way("host to container", host, two.containerAddress(), 0, gateway, "0"));
    WAYS.add(new Way("container to host", container, "10.244.2.1", 0, own, "0"));
    WAYS.add(new Way("host to host", host, "10.244.2.1", 0, gateway, "0"));
    startPeers(one, two);
  }

  private static void startPeers(Host one, Host two) throws IOException {
    Path script = Peer.script(folder, "matrix.py");
    for (String namespace :
        List.of(
            two.namespace(), two.container(), one.container(), nested.routed(), nested.bridged())) {
      Peer server = Peer.start(namespace, script, "serve");
      SERVERS.add(server);
      assertEquals("ready", server.read());
    }
    for (String namespace : List.of(one.namespace(), one.container())) {
      Peer client = Peer.start(namespace, script, "client");
      CLIENTS.put(namespace, client);
      assertEquals("ready", client.read());
    }
  }

  @AfterAll
  static void tearDown() {
    SERVERS.forEach(Peer::close);
    CLIENTS.values().forEach(Peer::close);
    if (nested != null) {
      nested.close();
    }
    if (hosts != null) {
      hosts.close();
    }
  }

  @ParameterizedTest(name = "{0}, checksums by device: {1}, {2}")
  @CsvSource({
    "whole, true, TC",
    "whole, false, TC",
    "cut, true, TC",
    "cut, false, TC",
    "whole, true, XDP",
    "whole, false, XDP",
    "cut, true, XDP",
    "cut, false, XDP",
  })
  void everythingArrivesAsItWasSent(String size, boolean offload, Decapsulation where)
      throws Exception {
    hosts.takeOver(hosts.host(1), PORT, where).close();
    hosts.takeOver(hosts.host(2), PORT, where).close();
    hosts.offloads(size.equals("whole"), offload);
    nested.offloads(offload);
    List<String> wrong = new ArrayList<>();
    StringBuilder table = new StringBuilder();
    int plain = 0;
    try (BadChecksums checksums = offload ? BadChecksums.none() : watch()) {
      for (Way way : WAYS) {
        List<String> cells = new ArrayList<>();
        String tcp = tcp(way, plain, cells);
        if (way.name().equals("plain routing")) {
          plain = Integer.parseInt(cells.getFirst());
        }
        DATAGRAMS.forEach(kind -> cells.add(ask(way, "udp", kind)));
        cells.add(ping(way));
        table.append("  %-18s %s %s%n".formatted(way.name(), tcp, String.join(" | ", cells)));
        collect(wrong, way, tcp, cells);
      }
      checksums.found().forEach(bad -> wrong.add("bad checksum: " + bad));
    }
    System.out.printf(
        "%s, checksums by device: %s, %s%n  way                tcp retransmissions | %s | icmp%n%s",
        size, offload, where, String.join(" | ", DATAGRAMS), table);
    assertEquals(List.of(), wrong);
  }

  private static void collect(List<String> wrong, Way way, String tcp, List<String> cells) {
    if (!tcp.equals("ok")) {
      wrong.add(way.name() + ", tcp: " + tcp);
    }
    for (int i = 1; i < cells.size(); i++) {
      if (!cells.get(i).equals("ok")) {
        wrong.add("%s, cell %d: %s".formatted(way.name(), i, cells.get(i)));
      }
    }
  }

  /** Both directions; the first cell gets the retransmissions. */
  private static String tcp(Way way, int plain, List<String> cells) {
    String[] said = ask(way, "tcp", Integer.toString(TCP_BYTES)).split(" ", -1);
    if (!said[0].equals("ok")) {
      cells.add("0");
      return String.join(" ", said);
    }
    int retransmissions = Integer.parseInt(said[1]) + Integer.parseInt(said[2]);
    cells.add(Integer.toString(retransmissions));
    return retransmissions <= STORM + 4 * plain ? "ok" : "a storm, plain routing had " + plain;
  }

  private static String ask(Way way, String protocol, String what) {
    try {
      return CLIENTS
          .get(way.from())
          .ask("%s %s %d %s %s".formatted(protocol, way.to(), way.offset(), way.source(), what));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Echoes of one frame, and of several fragments. */
  private static String ping(Way way) {
    for (int bytes : new int[] {1300, 8000}) {
      String command =
          "ip netns exec %s ping -q -c 3 -i 0.002 -W 2 -Q %s -s %d %s"
              .formatted(way.from(), way.tos(), bytes, way.to());
      Commands.Result result = Commands.tryRun(command);
      if (result.exit() != 0 || !result.output().contains(" 0% packet loss")) {
        return result.output().strip();
      }
    }
    return "ok";
  }

  private static BadChecksums watch() throws IOException {
    return BadChecksums.watch(
        folder, List.of(hosts.host(2).container(), nested.routed(), nested.bridged()));
  }
}
