// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.datapath;

import dev.culvert.datapath.Vtep;
import dev.culvert.lab.AgentProcess;
import dev.culvert.lab.EtcdServer;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Topology;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Culvert: one agent for each host, which share a directory of leases, or an etcd. */
public final class CulvertDatapath implements LabDatapath {

  /** More would share the processors for longer than a single one may take to become ready. */
  private static final int STARTED_AT_ONCE = 8;

  private final Lab lab;
  private final Topology topology;
  private final Function<LabPlan.Host, Map<String, String>> settings;
  private final List<AgentProcess> agents = new ArrayList<>();
  private Optional<EtcdServer> etcd = Optional.empty();

  public CulvertDatapath(Lab lab, Topology topology) {
    this(lab, topology, Map.of());
  }

  /**
   * @param settings of every agent's configuration file, as text, on top of the lab's own
   */
  public CulvertDatapath(Lab lab, Topology topology, Map<String, String> settings) {
    this(lab, topology, _ -> settings);
  }

  /**
   * @param settings as above, for each host its own
   */
  public CulvertDatapath(
      Lab lab, Topology topology, Function<LabPlan.Host, Map<String, String>> settings) {
    this.lab = lab;
    this.topology = topology;
    this.settings = settings;
  }

  @Override
  public String name() {
    return "culvert";
  }

  @Override
  public void up() {
    startAgents();
    topology.plan().containerList().forEach(container -> agent(container.host()).attach(container));
  }

  /** Starts the agents alone, for scenarios that attach containers in ways of their own. */
  public void startAgents() {
    etcd = topology.plan().storeNamespace().map(namespace -> EtcdServer.start(lab, namespace));
    List<LabPlan.Host> hosts = topology.plan().hostList();
    for (int from = 0; from < hosts.size(); from += STARTED_AT_ONCE) {
      hosts.subList(from, Math.min(from + STARTED_AT_ONCE, hosts.size())).forEach(this::startAgent);
      agents.forEach(AgentProcess::awaitReady);
    }
    agents.forEach(agent -> agent.awaitOthers(hosts.size() - 1));
  }

  private void startAgent(LabPlan.Host host) {
    // The scenarios' addresses are fixed, so these hosts ask for their very subnets.
    Map<String, String> all = new HashMap<>(settings(topology.plan()));
    all.put("subnet", host.subnet());
    if (topology.plan().family().innerIpv6()) {
      all.put("subnet6", host.subnet6());
    }
    all.putAll(settings.apply(host));
    agents.add(AgentProcess.start(lab, host, all));
  }

  /** What every agent's configuration needs for the plan's families and store. */
  public static Map<String, String> settings(LabPlan plan) {
    Map<String, String> settings = new HashMap<>();
    if (plan.family().innerIpv6()) {
      settings.put("network6", LabPlan.NETWORK6);
    }
    if (plan.storeNamespace().isPresent()) {
      settings.put("store", "{etcd: {endpoints: [\"" + EtcdServer.ENDPOINT + "\"]}}");
    }
    return settings;
  }

  public List<AgentProcess> agents() {
    return List.copyOf(agents);
  }

  public AgentProcess agent(LabPlan.Host host) {
    return agents.stream()
        .filter(agent -> agent.host().number() == host.number())
        .findFirst()
        .orElseThrow(() -> new LabException("No agent runs for " + host.name() + "."));
  }

  @Override
  public int containerMtuBytes() {
    return Topology.UNDERLAY_MTU_BYTES - topology.plan().family().underlay().overheadBytes();
  }

  @Override
  public int tunnelPort() {
    return Vtep.VXLAN_PORT;
  }

  /** Lets the agents, and their store, live on when the lab's process ends. */
  public void detach() {
    agents.forEach(AgentProcess::detach);
    etcd.ifPresent(EtcdServer::detach);
  }

  @Override
  public void close() {
    agents.parallelStream().forEach(AgentProcess::close);
    agents.clear();
    etcd.ifPresent(EtcdServer::close);
    etcd = Optional.empty();
  }
}
