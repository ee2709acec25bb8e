// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A Culvert host and an unmodified kernel VXLAN host, with IPv6 inside or outside. The kernel's
 * device computes outer UDP checksums over IPv6 unless it is told not to (udp6zerocsumtx), and
 * takes packets without one only where it is told to (udp6zerocsumrx).
 */
@RequiresRoot
@Tag("netns")
class KernelVxlanInteropIpv6NetnsTest {
  private static final int PORT = 8472;
  private static final int BYTES = 16 << 20;

  @TempDir Path folder;

  private TwoHosts hosts;
  private Host culvert;
  private Host kernel;
  private EbpfDatapath datapath;

  private void build(boolean underlay6, boolean checksums, String options) throws Exception {
    hosts = new TwoHosts("cv-i6", underlay6);
    culvert = hosts.host(1);
    kernel = hosts.host(2);
    datapath =
        checksums
            ? hosts.startWithChecksums(culvert, kernel, PORT)
            : hosts.startCulvert(culvert, kernel, PORT);
    hosts.startKernelVxlan(kernel, culvert, PORT, options);
  }

  @AfterEach
  void tearDown() {
    if (datapath != null) {
      datapath.close();
    }
    if (hosts != null) {
      hosts.close();
    }
  }

  @ParameterizedTest(name = "IPv6 underlay: {0}, kernel''s device: {1}, checksums from us: {2}")
  @CsvSource({
    "false, '', false",
    "true, 'udp6zerocsumrx', false",
    "true, 'udp6zerocsumrx udp6zerocsumtx', false",
    "true, '', true",
  })
  void bothFamiliesReachEachOtherBothWays(boolean underlay6, String options, boolean checksums)
      throws Exception {
    build(underlay6, checksums, options);
    for (Host to : List.of(kernel, culvert)) {
      Host from = to.equals(kernel) ? culvert : kernel;
      for (String address : List.of(to.containerAddress(), to.containerAddress6())) {
        ping(from.container(), address);
        ping(from.namespace(), address);
      }
      Commands.in(from.container(), "ping -c 1 -W 2 -s 8000 " + to.containerAddress6());
      int largest = (underlay6 ? 1430 : 1450) - 48;
      Commands.in(
          from.container(),
          "ping -c 1 -W 2 -M do -s %d %s".formatted(largest, to.containerAddress6()));
    }
    long dropped =
        datapath.counters().entrySet().stream()
            .filter(entry -> entry.getKey().isDrop())
            .mapToLong(entry -> entry.getValue().packets())
            .sum();
    assertEquals(0, dropped, datapath.counters().toString());
  }

  @ParameterizedTest(name = "IPv6 underlay: {0}, kernel''s device: {1}, cut before the wire: {2}")
  @CsvSource({
    "false, '', false",
    "false, '', true",
    "true, 'udp6zerocsumrx', false",
    "true, 'udp6zerocsumrx', true",
    "true, 'udp6zerocsumrx udp6zerocsumtx', true",
  })
  void largeTcpArrivesIntactBothWays(boolean underlay6, String options, boolean wire)
      throws Exception {
    build(underlay6, false, options);
    hosts.offloads(!wire, true);
    TcpTransfer transfer = new TcpTransfer(folder, BYTES);
    for (Host to : List.of(kernel, culvert)) {
      Host from = to.equals(kernel) ? culvert : kernel;
      transfer.send(from.container(), to.container(), to.containerAddress6());
      if (underlay6) {
        transfer.send(from.container(), to.container(), to.containerAddress());
      }
    }
    assertTrue(datapath.counters().get(Verdict.ENCAPSULATED).packets() > 0);
  }

  private static void ping(String namespace, String address) {
    Commands.in(namespace, "ping -c 2 -i 0.1 -W 2 " + address);
  }
}
