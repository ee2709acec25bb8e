// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.userspace.UserspaceConfig;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A host's VTEP address is on its loopback interface, and the underlay routes to it. */
@RequiresRoot
@Tag("netns")
class LoopbackVtepNetnsTest {
  private static final int PORT = 4789;
  private static final Vtep VTEP =
      new Vtep(InetAddress.ofLiteral("10.50.0.1"), PORT, MacAddress.parse("02:aa:00:00:00:01"));

  private static final InterfaceName LOOPBACK = new InterfaceName("lo");

  private TwoHosts hosts;
  private Host one;
  private Host two;

  @BeforeEach
  void build() {
    hosts = new TwoHosts("cv-lo");
    one = hosts.host(1);
    two = hosts.host(2);
    one.run("ip addr add 10.50.0.1/32 dev lo");
    Commands.run("ip -n " + hosts.router() + " route add 10.50.0.1 via " + one.underlay());
  }

  @AfterEach
  void tearDown() {
    hosts.close();
  }

  @Test
  void packetsAreAsLargeAsTheWayTakes() throws Exception {
    try (EbpfDatapath there = hosts.startCulvert(two, one, PORT);
        EbpfDatapath here = in(one, () -> open())) {
      know(here, there);
      hosts.attachContainer(here, one, one.container(), one.containerAddress());
      assertEquals("1450", mtu(one.container(), "eth0"));
      carries();
      // Its link becomes narrower.
      one.run("ip link set under0 mtu 1400");
      here.refresh();
      assertEquals("1350", mtu(one.container(), "eth0"));
      assertEquals("1350", mtu(one.namespace(), "culvert0"));
    }
  }

  /** The program leaves the interface that was the underlay, but not the way out. */
  @Test
  void anUnderlayMovesToTheLoopback() throws Exception {
    try (EbpfDatapath there = hosts.startCulvert(two, one, PORT)) {
      hosts.startCulvert(one, two, PORT).close();
      try (EbpfDatapath here = in(one, () -> open())) {
        know(here, there);
        carries();
        List<String> pins = Pins.existing(one.pins()).links();
        long looking = pins.stream().filter(name -> name.startsWith("from_underlay")).count();
        assertEquals(1, looking, pins.toString());
      }
    }
  }

  @Test
  void withoutEbpfToo() throws Exception {
    UserspaceConfig config =
        UserspaceConfig.builder(one.namespace(), LOOPBACK, TwoHosts.VNI).port(PORT).build();
    try (UserspaceDatapath here =
        in(
            one,
            () -> {
              UserspaceDatapath datapath = UserspaceDatapath.open(Libc.system(), config);
              datapath.start(TwoHosts.VNI, VTEP, one.gateways());
              return datapath;
            })) {
      assertEquals(1450, in(one, () -> here.overlayMtuBytes(VTEP.address())));
    }
  }

  /** Both ways, whole and in outer fragments, and the host's own address by its loopback. */
  private void carries() {
    Commands.in(one.container(), "ping -c 2 -i 0.2 -W 2 -M do -s 1422 10.244.2.2");
    Commands.in(two.container(), "ping -c 2 -i 0.2 -W 2 -s 4000 10.244.1.2");
    Commands.in(two.container(), "ping -c 2 -i 0.2 -W 2 10.244.1.1");
    one.run("ping -c 2 -i 0.2 -W 2 10.244.1.1");
    one.run("ping -c 2 -i 0.2 -W 2 10.244.2.2");
  }

  private EbpfDatapath open() {
    EbpfDatapath datapath =
        EbpfDatapath.open(
            Libc.system(), EbpfConfig.builder(one.pins(), LOOPBACK).port(PORT).build());
    datapath.start(TwoHosts.VNI, VTEP, one.gateways());
    return datapath;
  }

  private void know(EbpfDatapath here, EbpfDatapath there) {
    apply(here, new Change.PutLocal(new LocalSubnet(one.subnet(), 0)));
    apply(here, remote(two.subnet(), VTEP, two.vtep(PORT), here));
    apply(there, remote(one.subnet(), two.vtep(PORT), VTEP, there));
  }

  private static Change remote(Subnet subnet, Vtep own, Vtep other, Datapath datapath) {
    return new Change.PutRemote(
        new RemoteSubnet(subnet, own, other, datapath.nextHop(other.address()), false));
  }

  private static void apply(Datapath datapath, Change change) {
    assertEquals(List.of(), datapath.apply(List.of(change)));
  }

  private static String mtu(String namespace, String device) {
    return Commands.in(namespace, "cat /sys/class/net/" + device + "/mtu").strip();
  }

  private static <T> T in(Host host, Callable<T> work) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), host.namespace())) {
      return namespace.call(work);
    }
  }
}
