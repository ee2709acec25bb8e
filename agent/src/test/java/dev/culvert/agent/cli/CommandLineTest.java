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
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.LoweredMtu;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.BpfProgram;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole command line, on folders of our own in place of bpffs and /run. */
class CommandLineTest {
  private static final Vtep HERE = vtep("10.17.2.2");
  private static final Vtep THERE = vtep("10.18.2.2");

  private record Outcome(int exitCode, String out, String err) {}

  @TempDir private Path folder;
  private Path pins;
  private Path run;
  private Optional<RuntimeException> unreadable = Optional.empty();
  private Map<InetAddress, LoweredMtu> paths = Map.of();

  @BeforeEach
  void pinSomething() throws Exception {
    pins = Files.createDirectories(folder.resolve("bpf/culvert/host-01"));
    run = Files.createDirectories(folder.resolve("run"));
  }

  private static Vtep vtep(String address) {
    return new Vtep(IpPrefix.parseAddress(address), 4789, MacAddress.parse("02:00:0a:11:02:02"));
  }

  private static Subnet subnet(String prefix) {
    return new Subnet(new Vni(1), IpPrefix.parse(prefix));
  }

  private static Endpoint endpoint(String address) {
    return new Endpoint(
        new Vni(1),
        IpPrefix.parseAddress(address),
        MacAddress.parse("02:00:00:00:00:01"),
        new Endpoint.HostEnd(9, MacAddress.parse("02:00:00:00:00:02"), true));
  }

  private static Map<Endpoint, Traffic> byEndpoint() {
    Map<Endpoint, Traffic> traffic = new LinkedHashMap<>();
    traffic.put(endpoint("10.244.1.9"), new Traffic(new Counter(7, 700), new Counter(3, 300)));
    traffic.put(endpoint("10.244.1.10"), Traffic.NONE);
    return traffic;
  }

  private DatapathSnapshot read(Path ignored) {
    unreadable.ifPresent(e -> {
      throw e;
    });
    NextHop router =
        new NextHop(2, HERE.address(), IpPrefix.parseAddress("10.17.2.1"), 1500, false);
    return new DatapathSnapshot(
        Optional.of(
            new Identity(
                new Vni(1),
                HERE,
                List.of(
                    new Gateway(
                        IpPrefix.parseAddress("10.244.1.1"), IpPrefix.parse("10.244.0.0/16"))),
                new InterfaceName("eth0"))),
        new Datapath.State(
            List.of(
                new RemoteSubnet(subnet("10.244.10.0/24"), HERE, THERE, Optional.empty(), false),
                new RemoteSubnet(subnet("10.244.2.0/24"), HERE, THERE, Optional.of(router), false)),
            List.of(new LocalSubnet(subnet("10.244.1.0/24"), 0)),
            List.of(endpoint("10.244.1.10"), endpoint("10.244.1.9"))),
        paths,
        Map.of(
            Verdict.ENCAPSULATED, new Counter(7, 700),
            Verdict.PASSED, new Counter(100, 6000),
            Verdict.DROPPED_INNER_SOURCE, new Counter(2, 120)),
        new TrafficCounters(
            Map.of(THERE.address(), new Traffic(new Counter(7, 700), new Counter(3, 300))),
            byEndpoint()),
        List.of(new BpfProgram.Info(12, "from_container", 3, "0123456789abcdef", 1, 1, 0, 0)),
        List.of(new DatapathSnapshot.Attached("from_underlay", "from_underlay", Optional.of(2))));
  }

  private Outcome culvert(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        Main.commandLine(new PrintWriter(out), new PrintWriter(err), this::read)
            .execute(all.toArray(String[]::new));
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  /** With our folders. */
  private Outcome here(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(
        List.of("--bpffs", folder.resolve("bpf").toString(), "--run-directory", run.toString()));
    return culvert(all.toArray(String[]::new));
  }

  private static void assertOneSentence(int exitCode, String expected, Outcome outcome) {
    assertEquals(exitCode, outcome.exitCode(), outcome.toString());
    assertEquals("", outcome.out());
    assertEquals("culvert: " + expected + "\n", outcome.err());
  }

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
        ADDRESS      VNI  IF  DELIVERY  MAC                HOST MAC
        10.244.1.9     1   9  peer      02:00:00:00:00:01  02:00:00:00:00:02
        10.244.1.10    1   9  peer      02:00:00:00:00:01  02:00:00:00:00:02
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
    assertEquals("10.244.1.9", ((Map<?, ?>) endpoints.getFirst()).get("address"));
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
            run.resolve("host-01.sock"), new RequestHandler(overlay, Instant.now(), e -> {}))) {
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
            run.resolve("host-01.sock"), new RequestHandler(overlay, Instant.now(), e -> {}))) {
      String counters = here("counters").out();
      assertTrue(counters.contains("ENCAPSULATED"), counters);
      assertTrue(counters.contains("294"), counters);
      String status = here("status").out();
      assertTrue(status.contains("\ndatapath   userspace"), status);
    }
  }

  @Test
  void asksALivingAgentForChanges() {
    FakeOverlay overlay = new FakeOverlay();
    try (ControlServer _ =
        ControlServer.start(
            run.resolve("host-01.sock"), new RequestHandler(overlay, Instant.now(), e -> {}))) {
      String self = "/proc/" + ProcessHandle.current().pid() + "/ns/net";
      assertEquals(
          "attached /proc/self/ns/net eth7: 10.244.1.5\n",
          here("attach", "/proc/self/ns/net", "--interface", "eth7", "--address", "10.244.1.5")
              .out());
      assertEquals(
          "attached /proc/self/ns/net eth0: 10.244.1.10\n",
          here("attach", "/proc/self/ns/net", "--existing").out());
      assertEquals("attached bridge br0\n", here("attach", "--bridge", "br0").out());
      assertEquals("detached 10.244.1.5\n", here("detach", "10.244.1.5").out());
      assertEquals(
          "detached 10.244.1.2\ndetached 10.244.1.3\n",
          here("detach", Long.toString(ProcessHandle.current().pid())).out());
      assertEquals("detached bridge br0\n", here("detach", "--bridge", "br0").out());
      assertEquals(
          "host-01 left: its lease is released, everything is removed\n", here("leave").out());
      assertEquals(
          List.of(
              "attach /proc/self/ns/net eth7 /10.244.1.5",
              "attachExisting /proc/self/ns/net eth0",
              "attachBridge br0",
              "detach 10.244.1.5",
              "detachAll " + self,
              "detachBridge br0",
              "leave"),
          overlay.asked);
    }
  }

  @Test
  void saysThatADeadAgentCannotChangeAnything() {
    assertOneSentence(
        1,
        "The agent of host host-01 is not running, so nothing can be attached; start it: culvert"
            + " agent --config FILE.",
        here("attach", "/proc/self/ns/net"));
    assertOneSentence(
        1,
        "The agent of host host-01 is not running, so nothing can be detached; start it: culvert"
            + " agent --config FILE.",
        here("detach", "--bridge", "br0"));
    assertOneSentence(
        1,
        "The agent of host host-01 is not running and left no word of its configuration; name it"
            + " with --config FILE.",
        here("leave"));
  }

  @Test
  void asksWhichOfSeveralHostsIsMeant() throws Exception {
    Files.createDirectories(folder.resolve("bpf/culvert/host-02_example_org"));

    assertOneSentence(
        1,
        "There are several agents on this machine; choose one with --host: host-01,"
            + " host-02.example.org.",
        here("subnets"));
    assertEquals(0, here("subnets", "--host", "host-02.example.org").exitCode());
    assertOneSentence(
        1,
        "There is no agent for host host-03 on this machine, only for host-01,"
            + " host-02.example.org.",
        here("subnets", "--host", "host-03"));
  }

  @Test
  void saysThatNothingIsThere() throws Exception {
    Files.delete(pins);
    Outcome outcome = here("status");

    assertEquals(1, outcome.exitCode());
    assertEquals(1, outcome.err().lines().count(), outcome.err());
    assertTrue(outcome.err().contains(folder.resolve("bpf").toString()), outcome.err());
  }

  @Test
  void showsARefusalInOneSentenceAndItsTraceOnlyWhenAsked() {
    unreadable = Optional.of(new KernelException("BPF_OBJ_GET", "map subnets4", 1, "run as root"));
    assertOneSentence(
        1,
        "BPF_OBJ_GET on map subnets4: EPERM (operation not permitted); run as root.",
        here("subnets"));
    assertTrue(here("subnets", "--debug").err().contains("\tat dev.culvert"));

    unreadable = Optional.of(new RefusedException("There is no free address"));
    assertOneSentence(1, "There is no free address.", here("subnets"));
  }

  @Test
  void showsTheTraceOfOurOwnFaultsUnasked() {
    for (RuntimeException fault :
        List.of(
            new NullPointerException(),
            new IllegalArgumentException("An interface index is positive, not 0."),
            new IllegalStateException("The mailbox is closed."))) {
      unreadable = Optional.of(fault);
      Outcome outcome = here("subnets");
      assertEquals(1, outcome.exitCode());
      assertTrue(
          outcome.err().startsWith("culvert: Unexpected " + fault.getClass().getSimpleName()),
          outcome.err());
      assertTrue(outcome.err().contains("\tat dev.culvert"), outcome.err());
    }
  }

  @Test
  void exitsWithTwoForAWrongCommandLine() {
    for (String[] wrong :
        new String[][] {
          {},
          {"frobnicate"},
          {"attach"},
          {"attach", "a", "--bridge", "b"},
          {"agent"},
          {"detach"},
          {"status", "--jsno"},
          {"counters", "--by", "colour"},
          {"trace", "--sample", "0"},
          {"trace", "--count", "0"},
          {"trace", "--src", "10.244.1.0/33"},
          {"trace", "--dst", "container-1"},
          {"explain", "10.244.1.2"},
          {"explain", "10.244.1.2", "fd00::1"},
          {"explain", "10.244.1.2", "10.244.2.4", "--proto", "sctp"},
          {"explain", "10.244.1.2", "10.244.2.4", "--port", "0"},
          {"explain", "10.244.1.2", "10.244.2.4", "--size", "65000"},
          {"explain", "10.244.1.2", "10.244.2.4", "--sender", "nobody"},
          {"attach", "--bridge", "br0", "--address", "10.0.0.1"},
          {"attach", "--bridge", "br0", "--existing"},
          {"attach", "a", "--existing", "--address", "10.0.0.1"},
        }) {
      Outcome outcome = culvert(wrong);
      assertEquals(2, outcome.exitCode(), outcome.toString());
      assertEquals(1, outcome.err().lines().count(), outcome.toString());
      assertTrue(outcome.err().contains("Try: culvert"), outcome.toString());
    }
  }

  @Test
  void exitsWithOneForAWrongConfiguration() throws Exception {
    Path config = Files.writeString(folder.resolve("culvert.yaml"), "networks: 10.244.0.0/16\n");

    assertOneSentence(
        1,
        config + ", line 1: unknown key \"networks\"; did you mean \"network\"?",
        culvert("agent", "--config", config.toString()));
  }

  @Test
  void saysWhereTheLabIs() {
    for (String[] words :
        List.of(new String[] {"lab"}, new String[] {"lab", "run", "4c", "--json", "f"})) {
      assertOneSentence(
          1,
          "The lab is in Culvert's source tree, not in what is installed: run \"sudo ./culvert"
              + " lab\" there.",
          culvert(words));
    }
  }

  @Test
  void helpsAndTellsItsVersion() {
    assertEquals(0, culvert("--help").exitCode());
    assertTrue(culvert("--help").out().contains("Exit codes:"));
    assertTrue(culvert("attach", "--help").out().contains("--interface"));
    assertTrue(culvert("version").out().startsWith("culvert "));
    assertEquals(0, culvert("version").exitCode());
    assertEquals(culvert("version"), culvert("--version"));
  }

  @Test
  void examinesThisMachine() {
    Outcome outcome = culvert("doctor", "--json", "--underlay", "none7");
    Map<String, Object> json = Json.parseObject(outcome.out());

    assertEquals(json.get("ok"), outcome.exitCode() == 0);
    List<?> checks = (List<?>) json.get("checks");
    assertEquals(12, checks.size());
    Map<?, ?> decapsulation = (Map<?, ?>) checks.getLast();
    assertEquals("decapsulation", decapsulation.get("name"));
    assertEquals("no interface none7", decapsulation.get("found"));
  }

  @Test
  void outputToAFullDiskIsNoSuccess() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "version")
            .redirectOutput(Path.of("/dev/full").toFile())
            .start();
    String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(1, process.waitFor(), said);
    assertTrue(
        said.startsWith("culvert: Not all that there was to say could be written: No space left"),
        said);
  }
}
