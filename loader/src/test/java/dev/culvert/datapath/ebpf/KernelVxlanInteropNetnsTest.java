// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A Culvert host and an unmodified kernel VXLAN host, set up as flannel does, in one overlay. */
@RequiresRoot
@Tag("netns")
class KernelVxlanInteropNetnsTest {
  /** flannel's port. */
  private static final int PORT = 8472;

  private static final int BYTES = 64 << 20;

  @TempDir Path folder;

  private TcpTransfer transfer;
  private TwoHosts hosts;
  private Host culvert;
  private Host kernel;
  private EbpfDatapath datapath;

  @BeforeEach
  void build() throws Exception {
    transfer = new TcpTransfer(folder, BYTES);
    hosts = new TwoHosts("cv-ix");
    culvert = hosts.host(1);
    kernel = hosts.host(2);
    datapath = hosts.startCulvert(culvert, kernel, PORT);
    hosts.startKernelVxlan(kernel, culvert, PORT);
  }

  @AfterEach
  void tearDown() {
    if (datapath != null) {
      datapath.close();
    }
    hosts.close();
  }

  @Test
  void containersReachEachOtherBothWays() {
    ping(culvert.container(), kernel.containerAddress());
    ping(kernel.container(), culvert.containerAddress());
    Commands.in(culvert.container(), "ping -c 1 -W 2 -M do -s 1422 " + kernel.containerAddress());
    Commands.in(kernel.container(), "ping -c 1 -W 2 -M do -s 1422 " + culvert.containerAddress());
    assertTrue(datapath.counters().get(Verdict.ENCAPSULATED).packets() >= 4);
    assertTrue(datapath.counters().get(Verdict.DECAPSULATED).packets() >= 4);
  }

  @Test
  void theHostsThemselvesReachTheOtherSidesContainers() {
    ping(culvert.namespace(), kernel.containerAddress());
    ping(kernel.namespace(), culvert.containerAddress());
  }

  @Test
  void fragmentedDatagramsArriveWhole() {
    Commands.in(culvert.container(), "ping -c 1 -W 2 -s 8000 " + kernel.containerAddress());
    Commands.in(kernel.container(), "ping -c 1 -W 2 -s 8000 " + culvert.containerAddress());
  }

  @Test
  void largeTcpArrivesIntactBothWaysAsSuperpackets() throws Exception {
    transfer.send(culvert.container(), kernel.container(), kernel.containerAddress());
    transfer.send(kernel.container(), culvert.container(), culvert.containerAddress());
  }

  @Test
  void largeTcpArrivesIntactBothWaysInWireMode() throws Exception {
    hosts.wireMode();
    transfer.send(culvert.container(), kernel.container(), kernel.containerAddress());
    transfer.send(kernel.container(), culvert.container(), culvert.containerAddress());
  }

  @Test
  void largeTcpArrivesIntactBothWaysDecapsulatedAtXdp() throws Exception {
    datapath.close();
    datapath = hosts.takeOver(culvert, PORT, Decapsulation.XDP);
    hosts.wireMode();
    transfer.send(culvert.container(), kernel.container(), kernel.containerAddress());
    transfer.send(kernel.container(), culvert.container(), culvert.containerAddress());
    Commands.in(kernel.container(), "ping -c 1 -W 2 -s 8000 " + culvert.containerAddress());
  }

  @ParameterizedTest(name = "whole: {0}, checksums by device: {1}, {2}")
  @CsvSource({"true, true, TC", "false, true, TC", "false, false, TC", "false, false, XDP"})
  void everyKindOfTrafficArrivesBothWays(boolean whole, boolean offload, Decapsulation where)
      throws Exception {
    datapath.close();
    datapath = hosts.takeOver(culvert, PORT, where);
    hosts.offloads(whole, offload);
    Path script = Peer.script(folder, "matrix.py");
    exchange(script, culvert, kernel);
    exchange(script, kernel, culvert);
  }

  private static void exchange(Path script, Host from, Host to) throws Exception {
    try (Peer server = Peer.start(to.container(), script, "serve");
        Peer client = Peer.start(from.container(), script, "client")) {
      assertEquals("ready", server.read());
      assertEquals("ready", client.read());
      String way = to.containerAddress() + " 0 " + from.containerAddress() + " ";
      String tcp = client.ask("tcp " + way + (8 << 20));
      assertTrue(tcp.startsWith("ok "), tcp);
      for (String kind : List.of("plain", "segment", "gro", "fragment")) {
        assertEquals("ok", client.ask("udp " + way + kind), kind);
      }
    }
  }

  private static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 2 -i 0.1 -W 2 " + address);
  }
}
