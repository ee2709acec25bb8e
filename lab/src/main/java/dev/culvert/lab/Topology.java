// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A lab's namespaces, hosts joined by the underlay; containers exist but have no interface yet:
 * that is a datapath's work. Every setting is made inside these namespaces. Closing it removes
 * them, with all that runs there.
 */
public final class Topology implements AutoCloseable {
  /** The underlay device of a host, and the only device of a container. */
  public static final String DEVICE = "eth0";

  public static final int UNDERLAY_MTU_BYTES = 1500;

  private static final String SWITCH = "underlay";

  /** A host's device towards the store, and the switch in the store's namespace. */
  private static final String STORE = "store";

  private static final String BRIDGE = "cni0";

  /** The router's device towards a machine outside. */
  private static final String OUTSIDE = "outside";

  private final Shell shell;
  private final Namespaces namespaces;
  private final LabPlan plan;
  private final Set<String> made = new LinkedHashSet<>();

  private Topology(Shell shell, LabPlan plan) {
    this.shell = shell;
    this.namespaces = new Namespaces(shell);
    this.plan = plan;
  }

  /**
   * Builds one.
   *
   * @throws LabException naming the command that failed; what was made until then is removed
   */
  public static Topology build(Shell shell, LabPlan plan) {
    Topology topology = new Topology(shell, plan);
    try {
      topology.create(plan.namespaces());
      topology.buildRouter();
      plan.storeNamespace().ifPresent(topology::buildStore);
      plan.hostList().forEach(topology::buildHost);
      plan.containerList().forEach(topology::buildContainer);
    } catch (LabException e) {
      topology.close();
      throw e;
    }
    return topology;
  }

  public LabPlan plan() {
    return plan;
  }

  public Shell shell() {
    return shell;
  }

  private void create(Collection<String> names) {
    made.addAll(names);
    namespaces.create(names);
  }

  private void buildRouter() {
    List<String> lines = new ArrayList<>();
    if (plan.underlay() == LabPlan.Underlay.FLAT) {
      lines.add("link add " + SWITCH + " type bridge forward_delay 0");
      lines.add("link set " + SWITCH + " up");
    }
    plan.hostList().forEach(host -> addPort(lines, host));
    configure(plan.routerNamespace(), plan.underlay() == LabPlan.Underlay.ROUTED, lines);
  }

  private void addPort(List<String> lines, LabPlan.Host host) {
    lines.add(
        "link add %s mtu %d type veth peer name %s mtu %d netns %s"
            .formatted(
                host.name(), UNDERLAY_MTU_BYTES, DEVICE, UNDERLAY_MTU_BYTES, host.namespace()));
    host.gateway()
        .ifPresentOrElse(
            gateway -> lines.add(addressLine(LabPlan.Host.withLength(gateway), host.name())),
            () -> lines.add("link set " + host.name() + " master " + SWITCH));
    lines.add("link set " + host.name() + " up");
  }

  private void buildStore(String namespace) {
    List<String> lines = new ArrayList<>();
    lines.add("link add " + STORE + " type bridge forward_delay 0");
    lines.add(addressLine(LabPlan.Host.withLength(LabPlan.storeAddress()), STORE));
    lines.add("link set " + STORE + " up");
    plan.hostList().forEach(host -> addStorePort(lines, host));
    configure(namespace, false, lines);
  }

  private static void addStorePort(List<String> lines, LabPlan.Host host) {
    lines.add(
        "link add %s type veth peer name %s netns %s"
            .formatted(host.name(), STORE, host.namespace()));
    lines.add("link set " + host.name() + " master " + STORE);
    lines.add("link set " + host.name() + " up");
  }

  private void buildHost(LabPlan.Host host) {
    List<String> lines = new ArrayList<>();
    if (plan.storeNamespace().isPresent()) {
      lines.add(addressLine(host.storeAddressWithLength(), STORE));
      lines.add("link set " + STORE + " up");
    }
    lines.add(addressLine(host.addressWithLength(), DEVICE));
    lines.add("link set " + DEVICE + " up");
    host.gateway().ifPresent(gateway -> lines.add("route add default via " + gateway));
    configure(host.namespace(), true, lines);
  }

  /** Nobody else is there, so that duplicates need not be looked for first (IPv6). */
  private static String addressLine(String address, String device) {
    return "address add " + address + " dev " + device + (address.contains(":") ? " nodad" : "");
  }

  private void buildContainer(LabPlan.Container container) {
    configure(container.namespace(), false, List.of());
  }

  /**
   * Sets a namespace up: its loopback, its settings, and lines for {@code ip -batch}. New
   * namespaces inherit IPv4 settings from the machine (net.core.devconf_inherit_init_net), so all
   * that matter are set. IPv6 is off but on the loopback, to keep captures quiet, unless it is the
   * underlay's; Culvert switches it on where its containers need it.
   */
  private void configure(String namespace, boolean forwarding, List<String> lines) {
    StringBuilder script = new StringBuilder("set -e\ncd /proc/sys/net\n");
    script.append(
        """
        if [ -e ipv6 ]; then
          echo OFF > ipv6/conf/all/disable_ipv6
          echo OFF > ipv6/conf/default/disable_ipv6
          echo 0 > ipv6/conf/lo/disable_ipv6
          echo FORWARDING > ipv6/conf/all/forwarding
          for conf in ipv6/conf/*; do
            echo 0 > $conf/accept_dad
          done
        fi
        for conf in ipv4/conf/*; do
          echo 0 > $conf/rp_filter
          echo 0 > $conf/send_redirects
        done
        """
            .replace("OFF", plan.family().underlayIpv6() ? "0" : "1")
            .replace("FORWARDING", forwarding ? "1" : "0"));
    script.append("echo ").append(forwarding ? 1 : 0).append(" > ipv4/ip_forward\n");
    script.append("ip -batch - << 'END'\nlink set lo up\n");
    lines.forEach(line -> script.append(line).append('\n'));
    script.append("END\n");
    run(namespace, script.toString());
  }

  private void run(String namespace, String script) {
    shell.check(Command.of("sh", "-s").in(namespace).reading(script));
  }

  /** Runs lines of ip(8) in a namespace; the first that fails ends it. */
  public void ip(String namespace, List<String> lines) {
    String text = lines.stream().map(line -> line + "\n").collect(Collectors.joining());
    shell.check(Command.of("ip", "-batch", "-").in(namespace).reading(text));
  }

  /**
   * Links a container to its host as plain routing does it: a veth pair, a route to the container's
   * address, and the host's end as the container's gateway. The host's end has the container's
   * name. Over an IPv6 underlay the same for the container's IPv6 address.
   */
  public void linkContainer(LabPlan.Container container, int mtuBytes) {
    LabPlan.Host host = container.host();
    List<String> outside = new ArrayList<>();
    List<String> inside = new ArrayList<>();
    outside.add(pair(container, mtuBytes));
    outside.add("address add " + host.subnetGateway() + "/32 dev " + container.name());
    outside.add("link set " + container.name() + " up");
    outside.add("route add " + container.address() + "/32 dev " + container.name());
    inside.add("address add " + container.address() + "/32 dev " + DEVICE);
    inside.add("link set " + DEVICE + " up");
    inside.add("route add " + host.subnetGateway() + "/32 dev " + DEVICE);
    inside.add("route add default via " + host.subnetGateway());
    address6(container)
        .ifPresent(address -> {
          outside.add(addressLine(host.subnetGateway6() + "/128", container.name()));
          outside.add("route add " + address + "/128 dev " + container.name());
          inside.add(addressLine(address + "/128", DEVICE));
          inside.add("route add " + host.subnetGateway6() + "/128 dev " + DEVICE);
          inside.add("route add default via " + host.subnetGateway6());
        });
    ip(host.namespace(), outside);
    ip(container.namespace(), inside);
  }

  /**
   * Links a host's containers by a bridge, whose address is their gateway. The bridge's ports have
   * the containers' names. Over an IPv6 underlay the same for IPv6 addresses.
   */
  public void bridgeContainers(LabPlan.Host host, int mtuBytes) {
    List<LabPlan.Container> containers = plan.containersOf(host);
    List<String> lines = new ArrayList<>();
    lines.add("link add %s mtu %d type bridge".formatted(BRIDGE, mtuBytes));
    lines.add("address add " + host.subnetGateway() + "/24 dev " + BRIDGE);
    if (plan.family().underlayIpv6()) {
      lines.add(addressLine(host.subnetGateway6() + "/64", BRIDGE));
    }
    lines.add("link set " + BRIDGE + " up");
    for (LabPlan.Container container : containers) {
      lines.add(pair(container, mtuBytes));
      lines.add("link set " + container.name() + " master " + BRIDGE);
      lines.add("link set " + container.name() + " type bridge_slave hairpin on");
      lines.add("link set " + container.name() + " up");
    }
    ip(host.namespace(), lines);
    containers.forEach(container -> ip(container.namespace(), behindBridge(container)));
  }

  private List<String> behindBridge(LabPlan.Container container) {
    List<String> lines = new ArrayList<>();
    lines.add("address add " + container.address() + "/24 dev " + DEVICE);
    lines.add("link set " + DEVICE + " up");
    lines.add("route add default via " + container.host().subnetGateway());
    address6(container)
        .ifPresent(address -> {
          lines.add(addressLine(address + "/64", DEVICE));
          lines.add("route add default via " + container.host().subnetGateway6());
        });
    return lines;
  }

  private static String pair(LabPlan.Container container, int mtuBytes) {
    return "link add %s mtu %d type veth peer name %s mtu %d netns %s"
        .formatted(container.name(), mtuBytes, DEVICE, mtuBytes, container.namespace());
  }

  /** Where IPv6 is on in containers without Culvert's doing. */
  private Optional<String> address6(LabPlan.Container container) {
    return plan.family().underlayIpv6() ? container.address6() : Optional.empty();
  }

  /** A host joins the running lab, with its containers. */
  public void join(LabPlan.Host host, List<LabPlan.Container> containers) {
    create(joining(host, containers));
    List<String> lines = new ArrayList<>();
    addPort(lines, host);
    ip(plan.routerNamespace(), lines);
    plan.storeNamespace()
        .ifPresent(namespace -> {
          List<String> port = new ArrayList<>();
          addStorePort(port, host);
          ip(namespace, port);
        });
    buildHost(host);
    containers.forEach(this::buildContainer);
  }

  /**
   * A machine outside of the overlay, behind the router, which knows the underlay's networks and
   * nothing of the containers'. It goes with the rest.
   *
   * @param network of the two, such as "203.0.113.": the router is 1 there, the machine 2
   */
  public void addOutside(String namespace, String network) {
    create(List.of(namespace));
    ip(
        plan.routerNamespace(),
        List.of(
            "link add " + OUTSIDE + " type veth peer name " + DEVICE + " netns " + namespace,
            addressLine(network + "1/24", OUTSIDE),
            "link set " + OUTSIDE + " up"));
    configure(
        namespace,
        false,
        List.of(
            addressLine(network + "2/24", DEVICE),
            "link set " + DEVICE + " up",
            "route add default via " + network + "1"));
  }

  /** It leaves again. */
  public void leave(LabPlan.Host host, List<LabPlan.Container> containers) {
    List<String> names = joining(host, containers);
    namespaces.delete(names);
    made.removeAll(names);
  }

  private static List<String> joining(LabPlan.Host host, List<LabPlan.Container> containers) {
    List<String> names = new ArrayList<>();
    names.add(host.namespace());
    containers.forEach(container -> names.add(container.namespace()));
    return names;
  }

  @Override
  public void close() {
    namespaces.delete(made);
    made.clear();
  }
}
