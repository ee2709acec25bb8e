// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.ControlServer;
import dev.culvert.agent.socket.FakeOverlay;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.agent.socket.RequestHandler;
import dev.culvert.control.HostName;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.LoweredMtu;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What commands show of the datapath, in tables and in JSON, with and without an agent. */
class ReadCommandsTest extends CommandLineFixture {
  @Test
  void showsSubnetsInOrderOfTheirAddresses() {
    assertEquals(
        new Outcome(
            0,
            """
            SUBNET          VNI  WAY          VTEP            NEXT HOP   IF   MTU  LOWERED FOR
            10.244.1.0/24     1  local        -               -           -     -  -
            10.244.2.0/24     1  vxlan        10.18.2.2:4789  10.17.2.1   2  1450  -
            10.244.10.0/24    1  unreachable  10.18.2.2:4789  -           -     -  -
            """,
            ""),
        here("subnets"));
  }

  @Test
  void showsWhatARouterOnTheWayCarries() {
    paths = Map.of(THERE.address(), new LoweredMtu(1350, Duration.ofMillis(595_900)));
    String table = here("subnets").out();
    assertTrue(table.contains(" 1350  595 s\n"), table);
    assertTrue(table.contains("unreachable  10.18.2.2:4789  -           -     -  -\n"), table);
    List<?> subnets = (List<?>) Json.parseObject(here("subnets", "--json").out()).get("subnets");
    assertEquals(1350L, ((Map<?, ?>) subnets.get(1)).get("mtuBytes"));
    assertEquals(595L, ((Map<?, ?>) subnets.get(1)).get("loweredForSeconds"));
    String status = here("status").out();
    assertTrue(
        status.contains("(1 unreachable, 1 vxlan); a router lowered the MTU of 1\n"), status);

    // The entry itself allows less than what a router said.
    paths = Map.of(THERE.address(), new LoweredMtu(1450, Duration.ofMinutes(1)));
    assertTrue(here("subnets").out().contains(" 1450  -\n"), here("subnets").out());
  }

  @Test
  void showsEndpoints() {
    assertEquals(
        """
        ADDRESS      VNI  IF  DELIVERY  MAC                HOST MAC           CONTAINER
        10.244.1.9     1   9  peer      02:00:00:00:00:01  02:00:00:00:00:02  eth0 of /run/netns/blue (web/one)
        10.244.1.10    1   9  peer      02:00:00:00:00:01  02:00:00:00:00:02  -
        """,
        here("endpoints").out());
  }

  @Test
  void showsTheCountersThatCounted() {
    assertEquals(
        """
        VERDICT               PACKETS  BYTES  MEANING
        PASSED                    100   6000  not overlay traffic, left to the stack
        ENCAPSULATED                7    700  to another host, in VXLAN
        DROPPED_INNER_SOURCE        2    120  a container sent from an address that is not its own
        """,
        here("counters").out());
    assertEquals(1 + Verdict.values().length, here("counters", "--all").out().lines().count());
  }

  @Test
  void showsWhoSentAndReceived() {
    assertEquals(
        """
        VTEP       SENT  BYTES  RECEIVED  BYTES
        10.18.2.2     7    700         3    300
        """,
        here("counters", "--by", "vtep").out());
    assertEquals(
        """
        ENDPOINT    VNI  SENT  BYTES  RECEIVED  BYTES
        10.244.1.9    1     7    700         3    300
        """,
        here("counters", "--by", "endpoint").out());
    assertEquals(3, here("counters", "--by", "endpoint", "--all").out().lines().count());
    assertEquals(
        Json.parse(
            """
            {"host": "host-01", "counters": [
              {"vtep": "10.18.2.2", "sentPackets": 7, "sentBytes": 700, "receivedPackets": 3,
               "receivedBytes": 300}]}
            """),
        Json.parse(here("counters", "--by", "vtep", "--json").out()));
    List<?> endpoints =
        (List<?>)
            Json.parseObject(here("counters", "--by", "endpoint", "--json").out()).get("counters");
    assertEquals(2, endpoints.size());
    assertEquals("10.244.1.9", ((Map<?, ?>) endpoints.getFirst()).get("endpoint"));
  }

  @Test
  void printsJsonWithTheDocumentedNames() {
    Map<String, Object> subnets = Json.parseObject(here("subnets", "--json").out());
    assertEquals("host-01", subnets.get("host"));
    assertEquals(
        Json.parse(
            """
            {"subnet": "10.244.2.0/24", "vni": 1, "way": "vxlan",
             "vtep": {"address": "10.18.2.2", "port": 4789, "mac": "02:00:0a:11:02:02"},
             "nextHop": {"interfaceIndex": 2, "source": "10.17.2.2", "gateway": "10.17.2.1",
                         "mtuBytes": 1500, "onLink": false},
             "bridgeIndex": null, "mtuBytes": 1450, "loweredForSeconds": null}
            """),
        ((List<?>) subnets.get("subnets")).get(1));

    List<?> counters = (List<?>) Json.parseObject(here("counters", "--json").out()).get("counters");
    assertEquals(Verdict.values().length, counters.size());

    List<?> endpoints =
        (List<?>) Json.parseObject(here("endpoints", "--json").out()).get("endpoints");
    Map<?, ?> first = (Map<?, ?>) endpoints.getFirst();
    assertEquals("10.244.1.9", first.get("address"));
    assertEquals("/run/netns/blue", first.get("netns"));
    assertEquals("eth0", first.get("interface"));
    assertEquals("web/one", first.get("label"));
    assertEquals(null, ((Map<?, ?>) endpoints.get(1)).get("label"));
    assertTrue(
        here("status").out().contains("10.244.1.9, eth0 of /run/netns/blue (web/one)\n"),
        here("status").out());
  }

  @Test
  void statusWorksWhileTheAgentIsDead() {
    InstanceLock.acquire(
            run.resolve("host-01.lock"),
            new HostName("host-01"),
            new InstanceLock.Holder(
                4711, Instant.parse("2030-01-01T00:00:00Z"), Path.of("/etc/culvert.yaml")))
        .close();

    assertEquals(
        new Outcome(
            0,
            """
            host       host-01
            agent      not running (last: pid 4711, started 2030-01-01T00:00:00Z); packets flow by what the kernel holds
            subnet     10.244.1.0/24 (VNI 1)
            VTEP       10.17.2.2:4789 (02:00:0a:11:02:02) on eth0
            remote     2 subnets (1 unreachable, 1 vxlan)
            endpoints  2
            endpoint   10.244.1.9, eth0 of /run/netns/blue (web/one)
            packets    7 handled, 2 dropped
            program    from_container, id 12, tag 0123456789abcdef
            attached   from_underlay on interface 2
            """,
            ""),
        here("status"));

    Map<String, Object> json = Json.parseObject(here("status", "--json").out());
    assertEquals(false, ((Map<?, ?>) json.get("agent")).get("running"));
    assertEquals(2L, json.get("packetsDropped"));
    assertTrue(json.containsKey("lease"));
  }

  @Test
  void statusAddsWhatALivingAgentKnows() {
    FakeOverlay overlay = new FakeOverlay();
    try (ControlServer _ =
        ControlServer.start(
            run.resolve("host-01.sock"),
            new RequestHandler(overlay, overlay, Instant.now(), e -> {}))) {
      String text = here("status").out();
      assertTrue(text.contains("\nagent      running ("), text);
      assertTrue(text.contains("\nlease      generation 3, expires 2030-01-02T03:04:05Z\n"), text);
      assertTrue(text.contains("\nstore      connected, revision 12\n"), text);
      assertTrue(text.contains("\npending    a pending change\n"), text);

      Map<String, Object> json = Json.parseObject(here("status", "--json").out());
      assertEquals(3L, ((Map<?, ?>) json.get("lease")).get("generation"));
      assertEquals(true, ((Map<?, ?>) json.get("agent")).get("answering"));
    }
  }

  @Test
  void tablesOfAnAgentThatCarriesPacketsComeFromItsSocket() throws Exception {
    Files.delete(pins);
    FakeOverlay overlay = new FakeOverlay();
    overlay.tables =
        Optional.of(
            DatapathSnapshot.ofProcess(
                Optional.empty(),
                new Datapath.State(List.of(), List.of(), List.of()),
                Map.of(Verdict.ENCAPSULATED, new Counter(3, 294))));
    try (ControlServer _ =
        ControlServer.start(
            run.resolve("host-01.sock"),
            new RequestHandler(overlay, overlay, Instant.now(), e -> {}))) {
      String counters = here("counters").out();
      assertTrue(counters.contains("ENCAPSULATED"), counters);
      assertTrue(counters.contains("294"), counters);
      String status = here("status").out();
      assertTrue(status.contains("\ndatapath   userspace"), status);
    }
  }
}
