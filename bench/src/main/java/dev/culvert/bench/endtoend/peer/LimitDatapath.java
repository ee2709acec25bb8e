// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import dev.culvert.agent.cli.TableReader;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.lab.Command;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.CulvertDatapath;
import dev.culvert.lab.datapath.LabDatapath;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What the same eBPF path would carry if encapsulation cost nothing: Culvert's own programs, with
 * direct routing over the same router. Direct routing wants hosts on one link, so each host is told
 * that the others are (an on-link route to each), the router answers their ARP requests (proxy
 * ARP), and it knows the subnets. The packets then take the same way as everybody's, bare.
 */
final class LimitDatapath implements LabDatapath {
  private static final Path PINS = Path.of("/sys/fs/bpf/culvert");
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Topology topology;
  private final CulvertDatapath culvert;

  LimitDatapath(Lab lab, Topology topology) {
    this.topology = topology;
    this.culvert = new CulvertDatapath(lab, topology, Map.of("directRouting", "true"));
  }

  @Override
  public String name() {
    return "limit";
  }

  @Override
  public void up() {
    LabPlan plan = topology.plan();
    boolean ipv6 = plan.family().underlayIpv6();
    String bits = ipv6 ? "/128" : "/32";
    for (LabPlan.Host host : plan.hostList()) {
      topology.ip(
          host.namespace(),
          plan.hostList().stream()
              .filter(other -> other.number() != host.number())
              .map(other -> "route add " + other.address() + bits + " dev " + Topology.DEVICE)
              .toList());
    }
    topology.ip(
        plan.routerNamespace(),
        plan.hostList().stream()
            .map(host ->
                "route add %s via %s"
                    .formatted(ipv6 ? host.subnet6() : host.subnet(), host.address()))
            .toList());
    answerForOthers(plan, ipv6);
    culvert.up();
    plan.hostList().forEach(this::awaitDirect);
  }

  /** The router, on each link, for the hosts of the others. */
  private void answerForOthers(LabPlan plan, boolean ipv6) {
    String setting = ipv6 ? "ipv6/conf/host-*/proxy_ndp" : "ipv4/conf/host-*/proxy_arp";
    String script = "for p in /proc/sys/net/" + setting + "; do echo 1 > $p; done";
    topology.shell().check(Command.of("sh", "-c", script).in(plan.routerNamespace()));
    if (ipv6) { // which asks for each address by name
      List<String> lines = new ArrayList<>();
      for (LabPlan.Host link : plan.hostList()) {
        for (LabPlan.Host other : plan.hostList()) {
          if (other.number() != link.number()) {
            lines.add("neighbour add proxy " + other.address() + " dev " + link.name());
          }
        }
      }
      topology.ip(plan.routerNamespace(), lines);
    }
  }

  /** It would be no limit if packets were wrapped after all. Only one family can go bare. */
  private void awaitDirect(LabPlan.Host host) {
    IpFamily underlay = topology.plan().family().underlay();
    int others = topology.plan().hosts() - 1;
    Patience.until(
        host.namespace() + " to route directly to all others",
        PATIENCE,
        () -> {
          List<RemoteSubnet> remotes =
              TableReader.kernel().read(PINS.resolve(host.instance())).state().remotes().stream()
                  .filter(remote -> remote.subnet().prefix().family() == underlay)
                  .toList();
          return remotes.size() == others && remotes.stream().allMatch(RemoteSubnet::direct);
        });
  }

  /** What Culvert gives containers; direct routing or not. */
  @Override
  public int containerMtuBytes() {
    return culvert.containerMtuBytes();
  }

  @Override
  public int tunnelPort() {
    return 0;
  }

  @Override
  public void close() {
    culvert.close();
  }
}
