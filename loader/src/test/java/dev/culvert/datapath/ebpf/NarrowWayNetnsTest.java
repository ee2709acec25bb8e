// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.LoweredMtu;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A link in the middle of the underlay takes less than the hosts' own links: senders that ask not
 * to have their packets cut learn the size from our answers, and nobody's packets vanish. No agent
 * lives meanwhile.
 */
@RequiresRoot
@Tag("netns")
class NarrowWayNetnsTest {
  private static final int STREAM_BYTES = 8 << 20;

  @TempDir Path folder;

  @ParameterizedTest(name = "underlay IPv6: {0}, inner IPv6: {1}")
  @CsvSource({
    "false, false, 1350", // 1400 less 50
    "false, true, 1350",
    "true, false, 1330", // 1400 less 70
    "true, true, 1330",
  })
  void tcpAndUdpAdapt(boolean underlay6, boolean inner6, int expected) throws Exception {
    try (NarrowWay way = new NarrowWay("cv-nw", underlay6, inner6)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      Process there = serve(way.container(2), way.address(2));
      Process here = serve(way.container(1), way.address(1));
      try {
        assertEquals("sent", run(way.container(1), "tcp", way.address(2), STREAM_BYTES));
        assertTrue(way.count(1, Verdict.DROPPED_TOO_BIG) > 0, "nobody was told");
        assertEquals("sent", run(way.container(2), "tcp", way.address(1), STREAM_BYTES));
        assertEquals("" + expected, run(way.container(1), "udp", way.address(2), 1400));
        assertEquals("" + expected, run(way.container(2), "udp", way.address(1), 1400));
        assertLowered(expected, way.inspect(1));
      } finally {
        there.destroyForcibly().waitFor();
        here.destroyForcibly().waitFor();
      }
    }
  }

  @ParameterizedTest(name = "underlay IPv6: {0}, inner IPv6: {1}")
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void theHostsOwnTrafficAdaptsThroughTheDevice(boolean underlay6, boolean inner6)
      throws Exception {
    try (NarrowWay way = new NarrowWay("cv-nh", underlay6, inner6)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      Process there = serve(way.container(2), way.address(2));
      try {
        assertEquals("sent", run(way.host(1), "tcp", way.address(2), STREAM_BYTES));
      } finally {
        there.destroyForcibly().waitFor();
      }
    }
  }

  /** Outside, where the sender need not know: routers may cut IPv4, and hosts may cut IPv6. */
  @ParameterizedTest(name = "underlay IPv6: {0}")
  @CsvSource({"false", "true"})
  void datagramsThatMayBeCutAreCut(boolean underlay6) throws Exception {
    try (NarrowWay way = new NarrowWay("cv-nc", underlay6, false)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      Process there = serve(way.container(2), way.address(2));
      try {
        assertEquals("1400", run(way.container(1), "cut", way.address(2), 1400));
        assertEquals("3000", run(way.container(1), "cut", way.address(2), 3000));
      } finally {
        there.destroyForcibly().waitFor();
      }
    }
  }

  /** No IPv6 sender makes packets smaller than 1280 bytes, so they are cut outside. */
  @Test
  void aWayTooNarrowForIpv6CarriesItAllTheSame() throws Exception {
    try (NarrowWay way = new NarrowWay("cv-n6", false, true)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1280);
      Process there = serve(way.container(2), way.address(2));
      try {
        assertEquals("1280", run(way.container(1), "udp", way.address(2), 1400));
        assertEquals("sent", run(way.container(1), "tcp", way.address(2), STREAM_BYTES));
      } finally {
        there.destroyForcibly().waitFor();
      }
    }
  }

  /** Nobody may cut an outer IPv6 packet that is not his own, so at least it is seen. */
  @Test
  void overAnIpv6UnderlayThatIsTooNarrowForIpv6ItIsCounted() throws Exception {
    try (NarrowWay way = new NarrowWay("cv-n6", true, true)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1280);
      String ping = "ping -c 4 -i 0.2 -W 1 -s 1232 " + way.address(2); // 1280 bytes of IP
      assertEquals(1, Commands.tryRun("ip netns exec " + way.container(1) + " " + ping).exit());
      assertTrue(way.count(1, Verdict.DROPPED_TOO_BIG) > 0, "nobody counted");
    }
  }

  /** What a router said ends by itself; in the tables it would stay as long as no agent lives. */
  @ParameterizedTest(name = "underlay IPv6: {0}")
  @CsvSource({"false", "true"})
  void whatTheKernelLearntIsNoRoutesMtu(boolean underlay6) throws Exception {
    try (NarrowWay way = new NarrowWay("cv-ne", underlay6, false)) {
      way.start(EbpfConfig.PATH_MTU_LIFETIME);
      way.middleTakes(1400);
      String far = underlay6 ? "fd00:18::2" : "10.18.2.2";
      Commands.tryRun(
          "ip netns exec " + way.host(1) + " ping -c 3 -i 0.2 -W 1 -M do -s 1440 " + far);
      String route = Commands.run("ip -n " + way.host(1) + " route get " + far);
      assertTrue(route.contains("mtu 1400"), route);
      assertEquals(1500, way.nextHop(1).orElseThrow().mtuBytes());
    }
  }

  @Test
  void aWayThatWidensIsUsedAgain() throws Exception {
    try (NarrowWay way = new NarrowWay("cv-nr", false, false)) {
      way.start(Duration.ofSeconds(2));
      way.middleTakes(1400);
      Process there = serve(way.container(2), way.address(2));
      try {
        assertEquals("1350", run(way.container(1), "udp", way.address(2), 1450));
        way.middleTakes(1500);
        RemoteSubnet remote = way.inspect(1).state().remotes().getFirst();
        assertEquals(Optional.of(1350), way.inspect(1).mtuBytes(remote));
        // The containers remember for themselves; the other's answers had met the narrow link too.
        way.forgetRoutes();
        assertEquals("1450", run(way.container(1), "whole", way.address(2), 1450));
        assertEquals(Map.of(), way.inspect(1).paths());
        assertEquals(Optional.of(1450), way.inspect(1).mtuBytes(remote));
      } finally {
        there.destroyForcibly().waitFor();
      }
    }
  }

  private static void assertLowered(int expectedBytes, DatapathSnapshot host) {
    RemoteSubnet remote = host.state().remotes().getFirst();
    LoweredMtu lowered = host.lowered(remote).orElseThrow();
    assertEquals(expectedBytes, lowered.mtuBytes());
    assertEquals(Optional.of(expectedBytes), host.mtuBytes(remote));
    Duration lifetime = EbpfConfig.PATH_MTU_LIFETIME;
    assertTrue(lowered.left().compareTo(lifetime) <= 0, lowered.toString());
    assertTrue(lowered.left().compareTo(lifetime.minusMinutes(2)) > 0, lowered.toString());
  }

  private Process serve(String namespace, String address) throws Exception {
    Process server =
        new ProcessBuilder(
                List.of("ip", "netns", "exec", namespace, "python3", script(), "serve", address))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader lines = server.inputReader();
    assertEquals("ready", lines.readLine());
    return server;
  }

  private String run(String namespace, String mode, String address, int bytes) throws Exception {
    return Commands.in(namespace, "python3 %s %s %s %d".formatted(script(), mode, address, bytes))
        .strip();
  }

  private String script() throws Exception {
    Path script = folder.resolve("narrow.py");
    if (!Files.exists(script)) {
      try (InputStream in = NarrowWayNetnsTest.class.getResourceAsStream("narrow.py")) {
        Files.copy(in, script);
      }
    }
    return script.toString();
  }
}
