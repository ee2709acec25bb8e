// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.config.ConfigFile;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the control plane follows while it runs: the underlay's MTU, routes, and the host's own
 * address. Nobody restarts anything.
 *
 * <pre>
 *   c1 ── h1 under0 10.17.2.2 ── 10.17.2.1 r 10.18.2.1 ── under0 10.18.2.2 h2 ── c2
 *            under1 10.27.2.2 ── 10.27.2.1
 * </pre>
 */
@Tag("netns")
@RequiresRoot
class MovingHostNetnsTest {

  // One run does not meet another's.
  private static final Namespaces NAMESPACES =
      new Namespaces("cv-mv-" + ProcessHandle.current().pid(), 30);
  private static final List<String> NAMES = List.of("h1", "h2", "r", "c1", "c2");

  @TempDir private Path folder;
  private Membership first;
  private Membership second;

  @BeforeEach
  void build() throws Exception {
    for (String name : NAMES) {
      Namespaces.run("ip netns add " + NAMESPACES.name(name));
      NAMESPACES.ip(name, "link set lo up");
    }
    for (String router : List.of("h1", "h2", "r")) {
      NAMESPACES.in(router, "sysctl -qw net.ipv4.ip_forward=1");
    }
    link("h1", "under0", "10.17.2", "port1");
    link("h1", "under1", "10.27.2", "port3");
    link("h2", "under0", "10.18.2", "port2");
    NAMESPACES.ip("h1", "route add default via 10.17.2.1");
    NAMESPACES.ip("h2", "route add default via 10.18.2.1");
    first = join("h1", "10.244.1.0/24");
    second = join("h2", "10.244.2.0/24");
    attach(first, "c1");
    attach(second, "c2");
    NAMESPACES.await("the hosts know each other", () -> remote(first) && remote(second));
    pingBothWays();
  }

  private static boolean remote(Membership host) {
    return host.overlay().status().remotes().stream().anyMatch(r -> r.nextHop().isPresent());
  }

  @AfterEach
  void tearDown() throws Exception {
    for (Membership host : new Membership[] {first, second}) {
      if (host != null) {
        host.overlay().leave();
        host.close();
      }
    }
    for (String name : NAMES) {
      String _ = Namespaces.tryRun("ip netns delete " + NAMESPACES.name(name));
    }
  }

  @Test
  void devicesAndEntriesFollowTheUnderlaysMtu() throws Exception {
    Namespaces.run("ip netns add " + NAMESPACES.name("c3"));
    try {
      attach(first, "c3");
      NAMESPACES.ip("c3", "link set eth0 mtu 1200");

      NAMESPACES.ip("r", "link set port1 mtu 1400");
      NAMESPACES.ip("h1", "link set under0 mtu 1400");
      NAMESPACES.await(
          "the MTU came down", () -> mtu("c1", "eth0") == 1350 && mtu("h1", "culvert0") == 1350);
      NAMESPACES.await("so did the way's", () -> nextHop(first).mtuBytes() == 1400);
      pingBothWays("-M do -s 1322"); // 1350 with ICMP's and IP's headers
      assertEquals(1200, mtu("c3", "eth0"), "somebody's own choice");

      NAMESPACES.ip("r", "link set port1 mtu 1500");
      NAMESPACES.ip("h1", "link set under0 mtu 1500");
      NAMESPACES.await(
          "the MTU went up", () -> mtu("c1", "eth0") == 1450 && mtu("h1", "culvert0") == 1450);
      NAMESPACES.await("so did the way's", () -> nextHop(first).mtuBytes() == 1500);
      pingBothWays("-M do -s 1422");
      assertEquals(1200, mtu("c3", "eth0"), "somebody's own choice");
    } finally {
      String _ = Namespaces.tryRun("ip netns delete " + NAMESPACES.name("c3"));
    }
  }

  @Test
  void aRouteThatMovesTakesThePacketsAlong() throws Exception {
    int other = Integer.parseInt(NAMESPACES.in("h1", "cat /sys/class/net/under1/ifindex").strip());
    NAMESPACES.ip("h1", "route add 10.18.2.0/24 via 10.27.2.1 dev under1");
    NAMESPACES.ip("r", "route add 10.17.2.2/32 via 10.27.2.2 dev port3");
    NAMESPACES.await("the next hop moved", () -> nextHop(first).interfaceIndex() == other);
    NAMESPACES.ip("r", "link set port1 down"); // nothing goes through the first interface any more

    pingBothWays();
    assertTrue(runs("from_underlay", other), "nobody looks at what comes in through under1");

    NAMESPACES.ip("r", "link set port1 up");
    NAMESPACES.ip("r", "route del 10.17.2.2/32 via 10.27.2.2 dev port3");
    NAMESPACES.ip("h1", "route del 10.18.2.0/24 via 10.27.2.1 dev under1");
    NAMESPACES.await("the next hop moved back", () -> nextHop(first).interfaceIndex() != other);
    pingBothWays();
  }

  @Test
  void packetsMayComeInThroughAnInterfaceThatOnlyTheConfigurationNames() throws Exception {
    first.close();
    first = join("h1", "10.244.1.0/24", "{interfaces: [under0, under1]}");
    NAMESPACES.ip("r", "route add 10.17.2.2/32 via 10.27.2.2 dev port3");
    NAMESPACES.in("r", "ping -c 1 -W 2 10.17.2.2"); // through under1, as it should be
    pingBothWays();
    assertEquals(
        2,
        inspect("h1").attachments().stream()
            .filter(a -> a.program().equals("from_underlay"))
            .count());

    first.close();
    first = join("h1", "10.244.1.0/24", "{interface: under0}");
    assertEquals(
        1,
        inspect("h1").attachments().stream()
            .filter(a -> a.program().equals("from_underlay"))
            .count());
  }

  @Test
  void aHostThatGetsAnotherAddressIsFollowed() throws Exception {
    NAMESPACES.ip("h1", "addr del 10.17.2.2/24 dev under0");
    NAMESPACES.ip("h1", "addr add 10.17.2.9/24 dev under0");
    NAMESPACES.ip("h1", "route add default via 10.17.2.1");

    NAMESPACES.await(
        "the lease names the new address",
        () ->
            first
                .overlay()
                .status()
                .lease()
                .orElseThrow()
                .vtep()
                .address()
                .getHostAddress()
                .equals("10.17.2.9"));
    NAMESPACES.await(
        "the other host knows it",
        () ->
            second.overlay().status().remotes().stream()
                .map(RemoteSubnet::remote)
                .anyMatch(vtep -> vtep.address().getHostAddress().equals("10.17.2.9")));
    NAMESPACES.await("both have a way", () -> remote(first) && remote(second));
    pingBothWays();
    assertEquals(List.of(), first.overlay().status().problems());
    assertEquals(List.of(), second.overlay().status().problems());
  }

  /** As when a driver is loaded anew: an interface of the same name with another index. */
  @Test
  void anUnderlayInterfaceThatIsMadeAnewIsUsedAgain() throws Exception {
    int old = nextHop(first).interfaceIndex();
    NAMESPACES.ip("h1", "link del under0"); // and port1 with it
    NAMESPACES.await("the way is gone", () -> !remote(first));
    link("h1", "under0", "10.17.2", "port1");
    NAMESPACES.ip("h1", "route add default via 10.17.2.1");
    int fresh = Integer.parseInt(NAMESPACES.in("h1", "cat /sys/class/net/under0/ifindex").strip());
    assertNotEquals(old, fresh);

    NAMESPACES.await(
        "there is a way again", () -> remote(first) && nextHop(first).interfaceIndex() == fresh);
    NAMESPACES.await("what comes in is looked at", () -> runs("from_underlay", fresh));
    pingBothWays();
    pingBothWays("-M do -s 1422");
    assertFalse(runs("from_underlay", old));
    NAMESPACES.await(
        "nothing is amiss any more", () -> first.overlay().status().problems().isEmpty());
    assertEquals(List.of(), first.overlay().status().pending());
  }

  private static boolean runs(String program, int interfaceIndex) {
    return inspect("h1").attachments().stream()
        .anyMatch(a ->
            a.program().equals(program) && a.interfaceIndex().equals(Optional.of(interfaceIndex)));
  }

  private Membership join(String host, String subnet) throws Exception {
    return join(host, subnet, "{interface: under0}");
  }

  private Membership join(String host, String subnet, String underlay) throws Exception {
    Path config = folder.resolve(host + ".yaml");
    Files.writeString(
        config,
        """
        host: %s
        network: 10.244.0.0/16
        subnet: %s
        underlay: %s
        store: {directory: %s}
        runDirectory: %s
        """
            .formatted(
                NAMESPACES.name(host),
                subnet,
                underlay,
                folder.resolve("leases"),
                folder.resolve("run")));
    Libc libc = Libc.system();
    try (NetNamespace namespace = NetNamespace.named(libc, NAMESPACES.name(host))) {
      // The threads that are made inside stay in the namespace.
      return namespace.call(() -> Membership.join(ConfigFile.load(config), libc, line -> {}));
    }
  }

  private static void attach(Membership host, String container) {
    host.overlay()
        .attach(
            Path.of("/run/netns", NAMESPACES.name(container)),
            new InterfaceName("eth0"),
            Optional.empty());
  }

  private static DatapathSnapshot inspect(String host) {
    return EbpfDatapath.inspect(
        Libc.system(), Path.of("/sys/fs/bpf/culvert", NAMESPACES.name(host)));
  }

  private static NextHop nextHop(Membership host) {
    return host.overlay().status().remotes().getFirst().nextHop().orElseThrow();
  }

  private static void link(String host, String device, String network, String port)
      throws Exception {
    NAMESPACES.ip(
        host,
        "link add %s type veth peer name %s netns %s"
            .formatted(device, port, NAMESPACES.name("r")));
    NAMESPACES.ip(host, "addr add " + network + ".2/24 dev " + device);
    NAMESPACES.ip("r", "addr add " + network + ".1/24 dev " + port);
    NAMESPACES.ip(host, "link set " + device + " up");
    NAMESPACES.ip("r", "link set " + port + " up");
  }

  /** Waits for an answer: a neighbour may have to be found first. */
  private static void pingBothWays(String... options) throws Exception {
    String more = String.join(" ", options);
    NAMESPACES.in("c1", ("ping -c 3 -i 0.2 -W 2 " + more + " 10.244.2.2").replace("  ", " "));
    NAMESPACES.in("c2", ("ping -c 3 -i 0.2 -W 2 " + more + " 10.244.1.2").replace("  ", " "));
  }

  private static int mtu(String namespace, String device) {
    try {
      return Integer.parseInt(
          NAMESPACES.in(namespace, "cat /sys/class/net/" + device + "/mtu").strip());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
