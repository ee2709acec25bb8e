// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.config.ConfigFile;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.NetworkSettings.Transport;
import dev.culvert.control.Overlay;
import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hosts on one link go over to another port, VNI and encapsulation while containers talk: 100 pings
 * a second both ways and a TCP stream, of both families. No packet is lost.
 *
 * <pre>
 *   c1 10.244.1.2 ── h1 under0 10.17.2.1 ─┐                  ┌─ 10.17.2.2 under0 h2 ── 10.244.2.2 c2
 *      fd00:244:0:1::2         fd17::1    ├── link (bridge) ─┤  fd17::2                fd00:244:0:2::2
 *                                         └── h3, c3, alike ─┘
 * </pre>
 */
@Tag("netns")
@RequiresRoot
class LiveChangeNetnsTest {
  private static final Vni VNI = new Vni(1);
  private static final Namespaces NAMESPACES =
      new Namespaces("cv-live-" + ProcessHandle.current().pid(), 60);
  private static final List<String> NAMES = List.of("link", "h1", "h2", "h3", "c1", "c2", "c3");
  private static final Pattern PINGED =
      Pattern.compile("(\\d+) packets transmitted, (\\d+) received");

  @TempDir private Path folder;
  private LeaseStore store;

  /** In YAML; {@code %d} is the host's number. */
  private String underlay = "{interface: under0}";

  private final Map<String, Membership> hosts = new HashMap<>();
  private final List<Process> started = new ArrayList<>();

  @BeforeEach
  void build() throws Exception {
    for (String name : NAMES) {
      Namespaces.run("ip netns add " + NAMESPACES.name(name));
      NAMESPACES.ip(name, "link set lo up");
    }
    NAMESPACES.ip("link", "link add bridge type bridge");
    NAMESPACES.ip("link", "link set bridge up");
    for (int i = 1; i <= 3; i++) {
      Namespaces.run(
          "ip -n %s link add under0 type veth peer name to-h%d netns %s"
              .formatted(NAMESPACES.name("h" + i), i, NAMESPACES.name("link")));
      NAMESPACES.ip("link", "link set to-h" + i + " master bridge up");
      NAMESPACES.in("h" + i, "sysctl -qw net.ipv4.ip_forward=1");
      NAMESPACES.in("h" + i, "sysctl -qw net.ipv6.conf.all.forwarding=1");
      NAMESPACES.ip("h" + i, "addr add 10.17.2." + i + "/24 dev under0");
      NAMESPACES.ip("h" + i, "addr add fd17::" + i + "/64 dev under0 nodad");
      NAMESPACES.ip("h" + i, "link set under0 up");
    }
    store = new DirectoryLeaseStore(folder.resolve("leases"));
  }

  @AfterEach
  void tearDown() throws Exception {
    started.forEach(Process::destroyForcibly);
    for (Membership host : hosts.values()) {
      host.overlay().leave();
      host.close();
    }
    store.close();
    for (String name : NAMES) {
      String _ = Namespaces.tryRun("ip netns delete " + NAMESPACES.name(name));
    }
  }

  @Test
  void portVniAndEncapsulationChangeWithoutLoss() throws Exception {
    join("h1", "");
    join("h2", "");
    attachBoth();
    awaitPings();
    Traffic traffic = new Traffic();
    Map<Verdict, Counter> before = counters("h1");

    change(new Transport(4789, false)); // from what the first host wrote: true
    assertTrue(entries("h1").noneMatch(RemoteSubnet::direct));
    change(new Transport(8472, false));
    assertTrue(entries("h1").allMatch(entry -> entry.remote().port() == 8472));
    assertTrue(NAMESPACES.in("h1", "ip -d link show culvert0").contains("dstport 8472"));
    change(new Transport(8472, false, Optional.of(new Vni(77))));
    assertTrue(entries("h2").allMatch(entry -> entry.wireVni().equals(new Vni(77))));
    change(new Transport(8472, true, Optional.of(new Vni(78))));
    assertTrue(
        entries("h1").filter(entry -> isIpv4(entry)).allMatch(RemoteSubnet::direct),
        "IPv4 goes as it is again");
    change(new Transport(4789, false));

    traffic.end();
    for (String host : List.of("h1", "h2")) {
      assertEquals(
          Map.of(),
          drops(counters(host), host.equals("h1") ? before : Map.of()),
          "what " + host + " dropped");
      assertEquals(List.of(), hosts.get(host).overlay().status().problems());
    }
  }

  @Test
  void threeHostsOverAnIpv6UnderlayThatDecapsulateAtXdp() throws Exception {
    underlay = "{interface: under0, address: \"fd17::%d\"}";
    for (int i = 1; i <= 3; i++) {
      join("h" + i, "decapsulation: xdp\n");
      attach(i);
    }
    awaitPings();
    Map<String, Map<Verdict, Counter>> before = new HashMap<>();
    for (String host : hosts.keySet()) {
      before.put(host, counters(host));
    }
    Traffic traffic = new Traffic();
    for (String way : List.of("c3 10.244.1.2", "c3 fd00:244:0:1::2", "c2 10.244.3.2")) {
      traffic.ping(way.split(" ", 2));
    }
    change(new Transport(4789, false));
    change(new Transport(8472, false, Optional.of(new Vni(77))));
    for (String host : List.of("h1", "h2", "h3")) {
      assertTrue(
          entries(host)
              .allMatch(
                  entry -> entry.remote().port() == 8472 && entry.wireVni().equals(new Vni(77))),
          host);
    }
    change(new Transport(8472, true, Optional.of(new Vni(78))));
    change(new Transport(4789, false));
    traffic.end();
    for (String host : List.of("h1", "h2", "h3")) {
      assertEquals("", problems(host), host);
      assertEquals(Map.of(), drops(counters(host), before.get(host)), "what " + host + " dropped");
      String device = NAMESPACES.in(host, "ip link show under0");
      assertTrue(device.contains("prog/xdp"), device);
    }
  }

  /** With an agent restarted in the middle, and one whose file says the old port. */
  @Test
  void aRestartInBetweenGoesOnAndAFileThatContradictsIsFollowedAndThenRefused() throws Exception {
    join("h1", "port: 4789\n");
    join("h2", "");
    attachBoth();
    awaitPings();
    Traffic traffic = new Traffic();
    hosts.remove("h2").close(); // its packets go on
    write(new Transport(8472, true));
    NAMESPACES.await("host h1 takes both", () -> leaseOf("h1").stage().accepts() == 1);
    assertEquals(0, leaseOf("h1").stage().sends(), "h2 has not said that it takes the new");
    assertTrue(problems("h1").contains("not yet: " + NAMESPACES.name("h2")), problems("h1"));
    join("h2", "");
    awaitOver();
    assertTrue(
        problems("h1").contains("port is 8472 there and 4789 here; its next start is refused"),
        problems("h1"));
    assertEquals("", problems("h2"));
    hosts.remove("h1").close();
    String refused =
        Assertions.assertThrows(RefusedException.class, () -> join("h1", "port: 4789\n"))
            .getMessage();
    assertTrue(refused.contains("port 8472") && refused.contains("says port 4789"), refused);
    join("h1", "port: 8472\n");
    awaitOver();
    assertEquals("", problems("h1"));
    traffic.end();
  }

  @Test
  void aHostWithoutEbpfHoldsTheOthersUpAndFollowsWhenItIsRestarted() throws Exception {
    join("h1", "");
    join("h2", "datapath: userspace\n");
    attachBoth();
    awaitPings();
    Traffic traffic = new Traffic();
    write(new Transport(8472, true, Optional.of(new Vni(77))));
    NAMESPACES.await("h1 takes both", () -> leaseOf("h1").stage().accepts() == 1);
    NAMESPACES.await("h2 says that it cannot", () -> problems("h2").contains("restart this agent"));
    assertEquals(0, leaseOf("h1").stage().sends());
    assertEquals(0, leaseOf("h2").stage().accepts());
    traffic.end();

    hosts.remove("h2").close();
    join("h2", "datapath: userspace\n");
    awaitOver();
    awaitPings();
    assertEquals("", problems("h2"));
  }

  private String problems(String host) {
    return String.join("\n", hosts.get(host).overlay().status().problems());
  }

  /** Writes it, and waits until nobody takes what was before. */
  private void change(Transport transport) throws Exception {
    write(transport);
    awaitOver();
  }

  private void write(Transport transport) {
    NetworkSettings before = store.network(VNI).orElseThrow();
    NetworkSettings wanted =
        new NetworkSettings(VNI, before.networks(), transport, before.reservations());
    assertTrue(
        store.putNetwork(VNI, Optional.of(before), Optional.of(wanted.after(before))), "written");
  }

  private void awaitOver() throws Exception {
    long number = store.network(VNI).orElseThrow().number();
    NAMESPACES.await(
        "all send by change " + number,
        () -> store.list().stream().allMatch(lease -> lease.stage().sends() == number));
    NAMESPACES.await(
        "nobody takes what was before",
        () -> hosts.keySet().stream().noneMatch(host -> problems(host).contains("takes both")));
  }

  private Lease leaseOf(String host) {
    return store.list().stream()
        .filter(lease -> lease.host().text().equals(NAMESPACES.name(host)))
        .findFirst()
        .orElseThrow();
  }

  private java.util.stream.Stream<RemoteSubnet> entries(String host) {
    return hosts.get(host).overlay().status().remotes().stream();
  }

  private static boolean isIpv4(RemoteSubnet entry) {
    return entry.subnet().prefix().toString().startsWith("10.");
  }

  private static Map<Verdict, Counter> counters(String host) {
    return inspect(host).counters();
  }

  private static Map<Verdict, Long> drops(Map<Verdict, Counter> now, Map<Verdict, Counter> before) {
    Map<Verdict, Long> drops = new HashMap<>();
    now.forEach((verdict, counter) -> {
      Counter then = before.getOrDefault(verdict, new Counter(0, 0));
      if (verdict.isDrop() && counter.packets() > then.packets()) {
        drops.put(verdict, counter.packets() - then.packets());
      }
    });
    return drops;
  }

  private static DatapathSnapshot inspect(String host) {
    return EbpfDatapath.inspect(
        Libc.system(), Path.of("/sys/fs/bpf/culvert", NAMESPACES.name(host)));
  }

  /** Packets of all kinds, from now to {@link #end}. */
  private final class Traffic {
    private final List<Process> pings = new ArrayList<>();
    private final List<Process> streams = new ArrayList<>();
    private final List<Process> servers = new ArrayList<>();

    Traffic() throws Exception {
      for (String way : List.of("c1 10.244.2.2", "c2 10.244.1.2", "c1 fd00:244:0:2::2")) {
        ping(way.split(" ", 2));
      }
      ping("c2", "fd00:244:0:1::2");
      for (String to : List.of("10.244.2.2", "fd00:244:0:2::2")) {
        servers.add(start("c2", "iperf3 -s -1 -B " + to));
        Thread.sleep(500);
        streams.add(start("c1", "iperf3 -c " + to + " -t 600 -b 8M"));
      }
      Thread.sleep(1000);
    }

    void ping(String... way) throws Exception {
      pings.add(start(way[0], "ping -q -i 0.01 -W 2 " + way[1]));
    }

    private Process start(String container, String command) throws Exception {
      List<String> all =
          new ArrayList<>(List.of("ip", "netns", "exec", NAMESPACES.name(container)));
      all.addAll(List.of(command.split(" ", -1)));
      Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
      started.add(process);
      return process;
    }

    /** Nothing was lost, and the streams live. */
    void end() throws Exception {
      for (Process stream : streams) {
        assertTrue(stream.isAlive(), "a TCP stream ended");
      }
      for (Process ping : pings) {
        String said = interrupted(ping);
        Matcher numbers = PINGED.matcher(said);
        assertTrue(numbers.find(), said);
        int sent = Integer.parseInt(numbers.group(1));
        System.out.println(numbers.group());
        assertTrue(sent > 200, said);
        // The last one's answer may be on its way when ping is stopped.
        assertTrue(sent - Integer.parseInt(numbers.group(2)) <= 1, said);
      }
      for (Process stream : streams) {
        String _ = interrupted(stream);
      }
      servers.forEach(Process::destroy);
      long again = counter("snmp", "Tcp:", "RetransSegs");
      long needless =
          counter("netstat", "TcpExt:", "TCPDSACKRecv")
              + counter("netstat", "TcpExt:", "TCPDSACKOfoRecv");
      System.out.println(again + " TCP segments sent again, " + needless + " for nothing");
      assertTrue(again <= needless, again + " segments sent again, " + needless + " for nothing");
    }

    /** Of c1's TCP: a segment that the receiver had already is told by a duplicate SACK. */
    private static long counter(String file, String group, String name) throws Exception {
      List<String[]> lines =
          NAMESPACES
              .in("c1", "cat /proc/net/" + file)
              .lines()
              .filter(line -> line.startsWith(group))
              .map(line -> line.split(" ", -1))
              .toList();
      return Long.parseLong(lines.get(1)[List.of(lines.getFirst()).indexOf(name)]);
    }

    private static String interrupted(Process process) throws Exception {
      Namespaces.run("kill -INT " + process.pid());
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private void attachBoth() throws Exception {
    attach(1);
    attach(2);
  }

  private void attach(int number) {
    Overlay overlay = hosts.get("h" + number).overlay();
    overlay.attach(
        Path.of("/run/netns", NAMESPACES.name("c" + number)),
        new InterfaceName("eth0"),
        Optional.empty());
  }

  private void awaitPings() throws Exception {
    for (String to : List.of("10.244.2.2", "fd00:244:0:2::2")) {
      NAMESPACES.await(
          to + " answers",
          () ->
              Namespaces.tryRun("ip netns exec " + NAMESPACES.name("c1") + " ping -c 1 -W 1 " + to)
                  .contains(" 0% "));
    }
  }

  private void join(String host, String more) throws Exception {
    int number = host.charAt(1) - '0';
    Path config = folder.resolve(host + ".yaml");
    Files.writeString(
        config,
        """
        host: %s
        network: 10.244.0.0/16
        subnet: 10.244.%d.0/24
        network6: fd00:244::/48
        subnet6: fd00:244:0:%d::/64
        underlay: %s
        store: {directory: %s}
        runDirectory: %s
        """
                .formatted(
                    NAMESPACES.name(host),
                    number,
                    number,
                    underlay.formatted(number),
                    folder.resolve("leases"),
                    folder.resolve("run"))
            + more);
    Libc libc = Libc.system();
    try (NetNamespace namespace = NetNamespace.named(libc, NAMESPACES.name(host))) {
      // The threads that are made inside stay in the namespace.
      hosts.put(
          host, namespace.call(() -> Membership.join(ConfigFile.load(config), libc, line -> {})));
    }
  }
}
