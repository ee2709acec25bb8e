// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A host without eBPF, in one overlay with each kind of other host. */
@RequiresRoot
@Tag("netns")
class UserspaceNetnsTest {
  private static final int PORT = 4789;

  enum Other {
    USERSPACE,
    EBPF,
    KERNEL_VXLAN
  }

  @TempDir Path folder;

  private TwoHosts hosts;
  private Host one;
  private Host two;
  private UserspaceDatapath datapath;
  private AutoCloseable other = () -> {};

  @BeforeEach
  void build() throws Exception {
    hosts = new TwoHosts("cv-us");
    one = hosts.host(1);
    two = hosts.host(2);
    datapath = hosts.startUserspace(one, two, PORT);
  }

  @AfterEach
  void tearDown() throws Exception {
    other.close();
    datapath.close();
    hosts.close();
  }

  private void startOther(Other kind) throws Exception {
    switch (kind) {
      case USERSPACE -> other = hosts.startUserspace(two, one, PORT);
      case EBPF -> other = hosts.startCulvert(two, one, PORT);
      case KERNEL_VXLAN -> hosts.startKernelVxlan(two, one, PORT);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyPacketSizeBothWays(Other kind) throws Exception {
    startOther(kind);
    for (String size : List.of("0", "56", "1422", "1423", "8000", "60000")) {
      ping(one.container(), two.containerAddress(), size);
      ping(two.container(), one.containerAddress(), size);
    }
    ping(one.namespace(), two.containerAddress(), "56");
    ping(two.namespace(), one.containerAddress(), "56");
    Commands.in(one.container(), "ping -c 1 -W 2 -M do -s 1422 " + two.containerAddress());
    assertTrue(datapath.counters().get(Verdict.ENCAPSULATED).packets() >= 12);
    assertTrue(datapath.counters().get(Verdict.DECAPSULATED).packets() >= 12);
  }

  @ParameterizedTest
  @CsvSource({
    "USERSPACE, false, 256",
    "USERSPACE, true, 32",
    "EBPF, false, 64",
    "EBPF, true, 32",
    "KERNEL_VXLAN, false, 64",
    "KERNEL_VXLAN, true, 32",
  })
  void tcpArrivesIntactBothWays(Other kind, boolean wire, int mebibytes) throws Exception {
    startOther(kind);
    if (wire) {
      hosts.wireMode();
    }
    TcpTransfer transfer = new TcpTransfer(folder, mebibytes << 20);
    transfer.send(one.container(), two.container(), two.containerAddress());
    transfer.send(two.container(), one.container(), one.containerAddress());
  }

  @ParameterizedTest
  @CsvSource({
    "USERSPACE, segment", "USERSPACE, fragment",
    "EBPF, segment", "EBPF, fragment",
    "KERNEL_VXLAN, segment", "KERNEL_VXLAN, fragment",
  })
  void superpacketsAndFragmentsOfUdpArriveIntact(Other kind, String traffic) throws Exception {
    startOther(kind);
    Path script = folder.resolve("traffic.py");
    try (InputStream in = UserspaceNetnsTest.class.getResourceAsStream("traffic.py")) {
      Files.copy(in, script);
    }
    exchange(script, traffic, one, two);
    exchange(script, traffic, two, one);
  }

  private static void exchange(Path script, String traffic, Host from, Host to) throws Exception {
    Process receiver =
        new ProcessBuilder(
                List.of(
                    "ip",
                    "netns",
                    "exec",
                    to.container(),
                    "python3",
                    script.toString(),
                    "receive",
                    to.containerAddress(),
                    traffic.equals("segment") ? "420" : "20"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader lines = receiver.inputReader()) {
      assertEquals("ready", lines.readLine());
      String sent =
          Commands.in(
                  from.container(),
                  "python3 %s %s %s".formatted(script, traffic, to.containerAddress()))
              .strip();
      assertEquals(sent, lines.readLine(), from.container() + " to " + to.container());
    } finally {
      receiver.destroyForcibly().waitFor();
    }
  }

  @Test
  void closingTakesTheDeviceAwayAndTheNextOneFindsTheContainers() throws Exception {
    startOther(Other.EBPF);
    datapath.close();
    String links = Commands.run("ip -n " + one.namespace() + " link");
    assertTrue(!links.contains(HostDevice.NAME.text()), links);
    assertTrue(links.contains("cv0af401021"), links);

    datapath = hosts.restartUserspace(one, two, PORT);
    assertEquals(
        List.of(one.containerAddress()),
        datapath.read().endpoints().stream().map(e -> e.address().getHostAddress()).toList());
    ping(two.container(), one.containerAddress(), "56");

    datapath.remove();
    assertEquals(
        "",
        Commands.run("ip -n " + one.namespace() + " link show type veth")
            .lines()
            .filter(line -> line.contains("cv0af4"))
            .findAny()
            .orElse(""));
  }

  @Test
  void aContainerKeepsToItsOwnAddress() throws Exception {
    startOther(Other.EBPF);
    Commands.in(one.container(), "ip addr add 10.244.1.77/32 dev eth0");
    Commands.in(one.container(), "ip addr add 10.99.0.1/32 dev eth0");
    for (String forged : List.of("10.244.1.77", "10.99.0.1")) {
      long before = datapath.counters().get(Verdict.ENCAPSULATED).packets();
      assertEquals(1, pings(one.container(), "-I " + forged + " " + two.containerAddress()));
      assertEquals(before, datapath.counters().get(Verdict.ENCAPSULATED).packets());
    }
  }

  @Test
  void whatHasNoWayIsAnsweredAndCounted() throws Exception {
    startOther(Other.EBPF);
    String free = Commands.tryRun(ping(one, "10.244.9.9")).output();
    assertTrue(free.contains("From 10.244.1.1") && free.contains("Host Unreachable"), free);
    assertTrue(happens(Verdict.DROPPED_NO_SUBNET), datapath.counters().toString());

    String nobody = Commands.tryRun(ping(one, "10.244.1.99")).output();
    assertTrue(nobody.contains("Host Unreachable"), nobody);
    assertTrue(happens(Verdict.DROPPED_NO_ENDPOINT), datapath.counters().toString());

    String far = Commands.tryRun(ping(one, "-t 2 " + two.containerAddress())).output();
    assertTrue(far.contains("Time to live exceeded"), far);
  }

  @Test
  void aSmallerWayIsToldToTheSender() throws Exception {
    Commands.run("ip -n " + hosts.router() + " link set port2 mtu 1400");
    two.run("ip link set under0 mtu 1400");
    startOther(Other.USERSPACE);
    // The router tells the kernel, which tells us, and we the container: three packets in a row.
    String said =
        Commands.tryRun(
                "ip netns exec %s ping -c 4 -i 0.3 -W 1 -M do -s 1400 %s"
                    .formatted(one.container(), two.containerAddress()))
            .output();
    assertTrue(said.contains("mtu = 1350") || said.contains("mtu=1350"), said);
    ping(one.container(), two.containerAddress(), "1400"); // may be cut, and is
  }

  @Test
  void onlyTheOwnerOfASubnetMaySendFromIt() throws Exception {
    startOther(Other.EBPF);
    datapath.apply(List.of(new Change.RemoveSubnet(two.subnet())));
    assertEquals(1, pings(two.container(), one.containerAddress()));
    assertTrue(happens(Verdict.DROPPED_OUTER_SOURCE), datapath.counters().toString());
  }

  /** A packet is counted after it was answered, so not at once. */
  private boolean happens(Verdict verdict) throws InterruptedException {
    for (int i = 0; i < 100 && datapath.counters().get(verdict).packets() == 0; i++) {
      Thread.sleep(20);
    }
    return datapath.counters().get(verdict).packets() > 0;
  }

  private static String ping(Host from, String arguments) {
    return "ip netns exec " + from.container() + " ping -c 1 -W 2 " + arguments;
  }

  /** The exit code: 1 when nothing was answered. */
  private static int pings(String namespace, String arguments) {
    return Commands.tryRun("ip netns exec " + namespace + " ping -c 1 -W 1 " + arguments).exit();
  }

  private static void ping(String namespace, String address, String bytes) {
    Commands.in(namespace, "ping -c 2 -i 0.1 -W 2 -s " + bytes + " " + address);
  }
}
