// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.InterfaceName;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Answers without a kernel, and remembers what it was asked. */
public class FakeOverlay implements OverlayOperations, RuntimeCalls {
  public static final Lease LEASE =
      new Lease(
          new Subnet(new Vni(1), IpPrefix.parse("10.244.1.0/24")),
          new HostName("host-01"),
          new Vtep(IpPrefix.parseAddress("10.17.2.2"), 4789, MacAddress.parse("02:00:0a:11:02:02")),
          3,
          Optional.of(Lease.Term.from(Instant.parse("2030-01-01T03:04:05Z"), Duration.ofDays(1))));

  public final List<String> asked = Collections.synchronizedList(new ArrayList<>());
  public volatile Optional<RuntimeException> refusal = Optional.empty();
  public volatile Error fault;
  public volatile String problem;
  public volatile Optional<DatapathSnapshot> tables = Optional.empty();

  private void note(String request) {
    asked.add(request);
    if (fault != null) {
      throw fault;
    }
    refusal.ifPresent(e -> {
      throw e;
    });
  }

  @Override
  public OverlayStatus status() {
    note("status");
    return new OverlayStatus(
        List.of(LEASE),
        Set.of(),
        List.of(),
        List.of(),
        true,
        12,
        List.of("a pending change"),
        Optional.ofNullable(problem).stream().toList());
  }

  @Override
  public Optional<DatapathSnapshot> tables() {
    return tables;
  }

  @Override
  public Endpoint attach(ContainerEnd container, List<InetAddress> wanted) {
    note(
        "attach "
            + text(container)
            + wanted.stream().map(a -> " " + a).collect(Collectors.joining()));
    return new Endpoint(
        new Vni(1),
        wanted.isEmpty() ? List.of(IpPrefix.parseAddress("10.244.1.2")) : wanted,
        MacAddress.parse("02:00:00:00:00:01"),
        new Endpoint.HostEnd(7, MacAddress.parse("02:00:00:00:00:02"), true),
        Optional.of(container));
  }

  @Override
  public Endpoint attachExisting(ContainerEnd container) {
    note("attachExisting " + text(container));
    return new Endpoint(
        new Vni(1),
        List.of(IpPrefix.parseAddress("10.244.1.10")),
        MacAddress.parse("02:00:00:00:00:01"),
        new Endpoint.HostEnd(8, MacAddress.parse("02:00:00:00:00:02"), true),
        Optional.of(container));
  }

  private static String text(ContainerEnd container) {
    return container.netns()
        + " "
        + container.interfaceName()
        + container.label().map(label -> " " + label).orElse("");
  }

  @Override
  public List<InetAddress> detach(InetAddress address) {
    note("detach " + address.getHostAddress());
    return List.of(address);
  }

  @Override
  public List<InetAddress> detachAll(Path netns) {
    note("detachAll " + netns);
    return List.of(IpPrefix.parseAddress("10.244.1.2"), IpPrefix.parseAddress("10.244.1.3"));
  }

  @Override
  public void attachBridge(InterfaceName bridge) {
    note("attachBridge " + bridge);
  }

  @Override
  public void detachBridge(InterfaceName bridge) {
    note("detachBridge " + bridge);
  }

  @Override
  public void leave() {
    note("leave");
  }

  @Override
  public Map<String, Object> answer(Map<String, String> environment, String configuration) {
    note("cni " + environment + " " + configuration);
    return Map.of("result", Map.of("cniVersion", "1.1.0"));
  }
}
