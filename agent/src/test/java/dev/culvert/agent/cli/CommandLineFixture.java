// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
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
import dev.culvert.kernel.InterfaceName;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole command line, on folders of our own in place of bpffs and /run, and a datapath that is
 * not there.
 */
abstract class CommandLineFixture {
  static final Vtep HERE = vtep("10.17.2.2");
  static final Vtep THERE = vtep("10.18.2.2");

  record Outcome(int exitCode, String out, String err) {}

  @TempDir Path folder;
  Path pins;
  Path run;
  Optional<RuntimeException> unreadable = Optional.empty();
  Map<InetAddress, LoweredMtu> paths = Map.of();

  @BeforeEach
  void pinSomething() throws Exception {
    pins = Files.createDirectories(folder.resolve("bpf/culvert/host-01"));
    run = Files.createDirectories(folder.resolve("run"));
  }

  static Vtep vtep(String address) {
    return new Vtep(IpPrefix.parseAddress(address), 4789, MacAddress.parse("02:00:0a:11:02:02"));
  }

  static Subnet subnet(String prefix) {
    return new Subnet(new Vni(1), IpPrefix.parse(prefix));
  }

  static Endpoint endpoint(String address) {
    return new Endpoint(
        new Vni(1),
        IpPrefix.parseAddress(address),
        MacAddress.parse("02:00:00:00:00:01"),
        new Endpoint.HostEnd(9, MacAddress.parse("02:00:00:00:00:02"), true));
  }

  /** As an agent left it that was told for whom it is. */
  static Endpoint labelled(String address) {
    return endpoint(address)
        .withContainer(
            Optional.of(
                new ContainerEnd(
                    Path.of("/run/netns/blue"),
                    new InterfaceName("eth0"),
                    Optional.of(new ContainerLabel("web/one")))));
  }

  static Map<Endpoint, Traffic> byEndpoint() {
    Map<Endpoint, Traffic> traffic = new LinkedHashMap<>();
    traffic.put(endpoint("10.244.1.9"), new Traffic(new Counter(7, 700), new Counter(3, 300)));
    traffic.put(endpoint("10.244.1.10"), Traffic.NONE);
    return traffic;
  }

  DatapathSnapshot read(Path ignored) {
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
            List.of(endpoint("10.244.1.10"), labelled("10.244.1.9"))),
        paths,
        Map.of(
            Verdict.ENCAPSULATED, new Counter(7, 700),
            Verdict.PASSED, new Counter(100, 6000),
            Verdict.DROPPED_INNER_SOURCE, new Counter(2, 120)),
        new TrafficCounters(
            Map.of(THERE.address(), new Traffic(new Counter(7, 700), new Counter(3, 300))),
            byEndpoint()),
        List.of(new DatapathSnapshot.Loaded(12, "from_container", "0123456789abcdef", 0, 0)),
        List.of(new DatapathSnapshot.Attached("from_underlay", "from_underlay", Optional.of(2))));
  }

  Outcome culvert(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        Main.commandLine(new PrintWriter(out), new PrintWriter(err), this::read)
            .execute(all.toArray(String[]::new));
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  /** With our folders. */
  Outcome here(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(
        List.of("--bpffs", folder.resolve("bpf").toString(), "--run-directory", run.toString()));
    return culvert(all.toArray(String[]::new));
  }

  static void assertOneSentence(int exitCode, String expected, Outcome outcome) {
    assertEquals(exitCode, outcome.exitCode(), outcome.toString());
    assertEquals("", outcome.out());
    assertEquals("culvert: " + expected + "\n", outcome.err());
  }
}
