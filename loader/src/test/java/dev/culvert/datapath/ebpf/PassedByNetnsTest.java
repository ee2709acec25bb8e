// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.host.ContainerInterface;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What others have set on the interfaces of a container, and which of the packets meet it: those of
 * the overlay are put behind the container's driver (bpf_redirect_peer), those of the host come
 * through the veth. Each line of the table in docs/datapath.md.
 */
@RequiresRoot
@Tag("netns")
class PassedByNetnsTest {
  private static final int PORT = 4789;
  private static final String NEIGHBOUR = "10.244.1.3";
  private static final String CONTAINER = "10.244.1.2";

  /** Of the pings that count bytes; five of them make 6 KB. */
  private static final String LONG_PINGS = "ping -c 5 -i 0.2 -W 1 -s 1200 ";

  private static final int ALL_BYTES = 6000;

  /** What the kernel may say by itself meanwhile: neighbour discovery, multicast reports. */
  private static final int STRAY_BYTES = 1000;

  @TempDir private Path folder;

  private final Path programs = Path.of("/sys/fs/bpf/cv-pb-programs");
  private TwoHosts hosts;
  private Host one;
  private EbpfDatapath first;
  private String neighbour;
  private String hostsEnd;

  @BeforeEach
  void build() throws Exception {
    hosts = new TwoHosts("cv-pb");
    one = hosts.host(1);
    neighbour = "cv-pb-c3";
    Commands.tryRun("ip netns del " + neighbour);
    Commands.run("ip netns add " + neighbour);
    first = hosts.startCulvert(one, hosts.host(2), PORT);
    hosts.startCulvert(hosts.host(2), one, PORT).close();
    hosts.attachContainer(first, one, neighbour, NEIGHBOUR);
    hostsEnd =
        ContainerInterface.hostName(TwoHosts.VNI, InetAddress.ofLiteral(CONTAINER)).toString();
    everybodyReaches("neighbour remote host");
  }

  @AfterEach
  void tearDown() {
    if (first != null) {
      first.close();
    }
    hosts.close();
    Commands.tryRun("ip netns del " + neighbour);
    Commands.tryRun("rm -r " + programs);
  }

  /** The container's own XDP: the driver's meets the host's packets alone, the generic one all. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({"xdpdrv, neighbour remote", "xdpgeneric, ''"})
  void aContainersOwnXdp(String mode, String reaching) throws Exception {
    Path object = folder.resolve("sample.o");
    Files.copy(Libc.class.getResourceAsStream("sample.bpf.o"), object);
    Commands.run("bpftool prog loadall " + object + " " + programs);
    Commands.run(
        "nsenter --net=/run/netns/%s ip link set dev eth0 %s pinned %s"
            .formatted(one.container(), mode, programs.resolve("drops")));
    everybodyReaches(reaching);
  }

  @Test
  void aShaperOnTheHostsEndMeetsTheHostsPacketsAlone() {
    one.run("tc qdisc add dev " + hostsEnd + " root tbf rate 100mbit burst 100kb latency 50ms");
    assertTrue(shaped(one.namespace(), hostsEnd, neighbour, CONTAINER) < STRAY_BYTES);
    String remote = hosts.host(2).container();
    assertTrue(shaped(one.namespace(), hostsEnd, remote, CONTAINER) < STRAY_BYTES);
    assertTrue(shaped(one.namespace(), hostsEnd, one.namespace(), CONTAINER) > ALL_BYTES);
  }

  /** What to do instead: at the container's own end it meets all that the container sends. */
  @Test
  void aShaperOnTheContainersEndMeetsAllThatItSends() {
    String own = one.container();
    Commands.in(own, "tc qdisc add dev eth0 root tbf rate 100mbit burst 100kb latency 50ms");
    assertTrue(shaped(own, "eth0", own, NEIGHBOUR) > ALL_BYTES);
    assertTrue(shaped(own, "eth0", own, "10.244.2.2") > ALL_BYTES);
    assertTrue(shaped(own, "eth0", own, "10.244.1.1") > ALL_BYTES);
  }

  /** A shaper behind the tunnel, on the underlay's device, meets all that leaves for others. */
  @Test
  void aShaperOnTheUnderlayMeetsAllThatLeaves() {
    one.run("tc qdisc add dev under0 root tbf rate 100mbit burst 100kb latency 50ms");
    assertTrue(shaped(one.namespace(), "under0", one.container(), "10.244.2.2") > ALL_BYTES);
  }

  /** The container's netfilter sees all that it gets; the host's end only what is the host's. */
  @Test
  void aFilterInTheContainerMeetsAllAndOneOnTheHostsEndTheHosts() throws Exception {
    dropEchoes(one.namespace(), hostsEnd);
    assertTrue(isReached(one.container(), NEIGHBOUR));
    assertTrue(isReached(one.container(), "10.244.2.2"));
    assertEquals(false, isReached(one.container(), "10.244.1.1"));
    dropEchoes(one.container(), "eth0");
    everybodyReaches("");
  }

  /** Conntrack in a bridge's ports sees one direction alone; the other comes by the programs. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({"forward, true", "prerouting, false"})
  void invalidIsDroppedForABridgesContainers(String hook, boolean flows) throws Exception {
    String guest = "cv-pb-g";
    Commands.tryRun("ip netns del " + guest);
    Commands.run("ip netns add " + guest);
    try {
      bridge(guest);
      one.run("sysctl -qw net.bridge.bridge-nf-call-iptables=1");
      nft(
          one.namespace(),
          """
          table inet guard {
            chain guard {
              type filter hook %s priority 0;
              ct state invalid counter drop
            }
          }
          """
              .formatted(hook));
      TcpTransfer transfer = new TcpTransfer(folder, 1 << 20);
      if (flows) {
        transfer.send(guest, hosts.host(2).container(), "10.244.2.2");
      } else {
        assertTrue(isReached(guest, "10.244.2.2"));
        assertTrue(isInvalid(guest, hosts.host(2).container(), "10.244.2.2"));
        one.run("sysctl -qw net.bridge.bridge-nf-call-iptables=0");
        transfer.send(guest, hosts.host(2).container(), "10.244.2.2");
      }
    } finally {
      Commands.tryRun("ip netns del " + guest);
    }
  }

  /** Whether the guard has dropped something of a TCP connection that does not come about. */
  private boolean isInvalid(String from, String to, String address) throws Exception {
    Process server =
        new ProcessBuilder("ip", "netns", "exec", to, "timeout", "20", "nc", "-l", "-p", "7000")
            .redirectErrorStream(true)
            .start();
    try {
      for (int i = 0; i < 10; i++) {
        Commands.tryRun("ip netns exec " + from + " timeout 1 nc -N -d " + address + " 7000");
        if (!one.run("nft list table inet guard").contains("counter packets 0 ")) {
          return true;
        }
      }
      return false;
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  private void bridge(String guest) throws Exception {
    one.run("ip link add br0 type bridge");
    one.run("ip addr add 10.244.1.1/24 dev br0");
    one.run("ip link set br0 up");
    one.run("ip link add port0 type veth peer name eth0 netns " + guest);
    one.run("ip link set port0 master br0 up");
    Commands.in(guest, "ip addr add 10.244.1.10/24 dev eth0");
    Commands.in(guest, "ip link set eth0 mtu 1450 up");
    Commands.in(guest, "ip route add default via 10.244.1.1");
    try (NetNamespace host = NetNamespace.named(Libc.system(), one.namespace())) {
      host.call(() -> {
        first.attachBridge(new InterfaceName("br0"), List.of(one.subnet()));
        return null;
      });
    }
  }

  private void everybodyReaches(String who) {
    StringBuilder reaching = new StringBuilder();
    reaching.append(isReached(neighbour, CONTAINER) ? "neighbour " : "");
    reaching.append(isReached(hosts.host(2).container(), CONTAINER) ? "remote " : "");
    reaching.append(isReached(one.namespace(), CONTAINER) ? "host" : "");
    assertEquals(who, reaching.toString().strip());
  }

  private static boolean isReached(String from, String address) {
    return Commands.tryRun("ip netns exec " + from + " ping -c 2 -i 0.2 -W 1 " + address).exit()
        == 0;
  }

  private void dropEchoes(String namespace, String device) throws Exception {
    nft(
        namespace,
        """
        table netdev test {
          chain in {
            type filter hook ingress device "%s" priority 0;
            icmp type echo-request drop
          }
        }
        """
            .formatted(device));
  }

  private void nft(String namespace, String rules) throws Exception {
    Commands.in(namespace, "nft -f " + Files.writeString(folder.resolve("rules"), rules));
  }

  /** How many bytes passed a device's shaper while somebody pinged, who must have been answered. */
  private static long shaped(String namespace, String device, String from, String to) {
    long before = bytes(namespace, device);
    Commands.in(from, LONG_PINGS + to);
    return bytes(namespace, device) - before;
  }

  private static long bytes(String namespace, String device) {
    String shown = Commands.in(namespace, "tc -s qdisc show dev " + device + " root");
    Matcher matcher = Pattern.compile("Sent (\\d+) bytes").matcher(shown);
    assertTrue(matcher.find(), shown);
    return Long.parseLong(matcher.group(1));
  }
}
