// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.Wire;
import dev.culvert.datapath.Wires;
import dev.culvert.datapath.host.DirectRoutes;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.datapath.host.ForeignBridge;
import dev.culvert.datapath.host.Forwarding;
import dev.culvert.datapath.host.GatewayNeighbours;
import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.host.HostPlan;
import dev.culvert.datapath.host.MasqueradeKeeper;
import dev.culvert.datapath.host.Mtus;
import dev.culvert.datapath.host.NextHops;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.UnderlayInterface;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.host.Upkeep;
import dev.culvert.datapath.host.WaysOut;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The datapath of hosts without eBPF: this process itself carries the packets, between a TUN device
 * and UDP sockets, in the same format on the wire. In the network namespace of the thread that
 * opens it. Needs netty-buffer on the class or module path.
 *
 * <p>The tables live in this object, so packets stop when it is closed or the process dies (what
 * {@link Datapath} says of {@link #close} holds for containers' interfaces alone). The next one
 * finds the containers again by their interfaces; subnets come from the control plane.
 */
public final class UserspaceDatapath implements Datapath {
  /** What {@link #start} was told, with the tunnel that came of it. */
  private record Started(Identity identity, int innerMtuBytes, Tunnel tunnel, int deviceIndex) {}

  private final Libc libc;
  private final UserspaceConfig config;
  private final NetNamespace namespace;
  private final Netlink netlink;
  private final Ownership ownership;
  private final OwnDevices devices;
  private final Forwarding forwarding;
  private final UserspaceContainers containers;
  private final DirectRoutes directRoutes;
  private final NextHops nextHops;
  private final Upkeep upkeep;
  private final GatewayNeighbours neighbours;
  private final ForwardBypass bypass;
  private final MasqueradeKeeper masquerade;
  private final VerdictCounters counters = new VerdictCounters();
  private final SortedMap<Subnet, RemoteSubnet> remotes = new TreeMap<>();
  private final SortedMap<Subnet, LocalSubnet> locals = new TreeMap<>();
  private volatile State subnets = new State(List.of(), List.of(), List.of());
  private volatile List<String> problems = List.of();
  private volatile Optional<Started> started = Optional.empty();
  private volatile Wire wire;

  private UserspaceDatapath(
      Libc libc, UserspaceConfig config, NetNamespace namespace, Netlink netlink) {
    this.libc = libc;
    this.config = config;
    this.namespace = namespace;
    this.netlink = netlink;
    this.wire = new Wire(config.port(), config.vni());
    this.ownership = new Ownership(config.instance());
    this.devices = new OwnDevices(netlink, ownership);
    this.forwarding = new Forwarding(namespace, netlink);
    this.containers = new UserspaceContainers(libc, devices, config.vni());
    this.upkeep = new Upkeep(netlink);
    this.neighbours = new GatewayNeighbours(libc, netlink);
    this.bypass = new ForwardBypass(libc, namespace);
    this.masquerade = new MasqueradeKeeper(libc, netlink, ownership, config.masquerade());
    this.directRoutes =
        new DirectRoutes(
            netlink,
            forwarding,
            () -> started.map(UserspaceDatapath::own).orElse(new DirectRoutes.Own(0, Map.of())));
    // What a way takes beyond its interface is the tunnel's to find out, not the table's.
    this.nextHops =
        new NextHops(
            netlink,
            NextHops.MtuSource.INTERFACE,
            () -> identity().map(own -> own.vtep().address()));
  }

  /**
   * Finds what an earlier process left; carries nothing yet.
   *
   * @param libc the way to the kernel
   * @param config of this instance
   * @return a datapath in the calling thread's network namespace, the caller's to close
   * @throws dev.culvert.kernel.KernelException when the kernel refuses a netlink socket
   */
  public static UserspaceDatapath open(Libc libc, UserspaceConfig config) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(config, "config");
    try (Undo undo = new Undo()) {
      NetNamespace namespace = NetNamespace.current(libc);
      undo.push(namespace::close);
      Netlink netlink = Netlink.open(libc);
      undo.push(netlink::close);
      UserspaceDatapath datapath = new UserspaceDatapath(libc, config, namespace, netlink);
      undo.commit();
      return datapath;
    }
  }

  /**
   * See {@link Datapath#start}.
   *
   * @throws RefusedException also for an IPv6 network, where the kernel would not forward it
   */
  @Override
  public void start(Vni vni, Vtep vtep, List<Gateway> gateways) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(vtep, "vtep");
    Objects.requireNonNull(gateways, "gateways");
    requireOurs(vni, vtep);
    Identity identity = new Identity(vni, vtep, gateways, config.underlay());
    forwarding.requirePossible(identity.networks());
    int innerMtuBytes = innerMtuBytes(vtep.address(), identity.networks());
    boolean asBefore =
        started
            .filter(now -> now.identity().equals(identity))
            .filter(now -> now.innerMtuBytes() == innerMtuBytes)
            .filter(now -> now.tunnel().failure().isEmpty())
            .isPresent();
    if (!asBefore) {
      stopTunnel();
      requireNameFree();
      Tunnel tunnel = tunnel(identity, innerMtuBytes);
      int device = netlink.link(HostDevice.NAME).orElseThrow().index();
      started = Optional.of(new Started(identity, innerMtuBytes, tunnel, device));
      keepBypass();
      problems = masquerade.keep(identity.networks());
    }
  }

  /** Makes the device again, too, when somebody took it away. */
  @Override
  public boolean refresh() {
    if (started.isPresent()) {
      Identity own = started.get().identity();
      start(own.vni(), own.vtep(), own.gateways());
      problems = keep(own);
      keepBypass();
      new Mtus(libc, netlink, ownership).follow(overlayMtuBytes(own.vtep().address()));
    }
    return false;
  }

  @Override
  public List<String> problems() {
    return problems;
  }

  private List<String> keep(Identity own) {
    List<Fixture> wanted = fixtures();
    directRoutes.keepForwarding();
    neighbours.introduce(containers.present(), own.gateways());
    List<String> told = new ArrayList<>(upkeep.mend(wanted));
    told.addAll(hostDevice().foreignAddresses(started.orElseThrow().deviceIndex()));
    told.addAll(containers.taken());
    told.addAll(masquerade.keep(own.networks()));
    return List.copyOf(told);
  }

  /** {@return all that this instance keeps on its host, from what {@link #refresh} works} */
  List<Fixture> fixtures() {
    Started now = started.orElseThrow();
    HostPlan plan = plan(now.identity().gateways());
    List<Fixture> wanted = new ArrayList<>(ofDevice(plan, now.deviceIndex()));
    wanted.addAll(containers.keep(plan));
    wanted.addAll(directRoutes.wanted());
    return wanted;
  }

  private static DirectRoutes.Own own(Started now) {
    return new DirectRoutes.Own(
        now.innerMtuBytes(),
        now.identity().gateways().stream()
            .collect(Collectors.toMap(gateway -> gateway.network().family(), Gateway::address)));
  }

  private static HostPlan plan(List<Gateway> gateways) {
    return new HostPlan(HostPlan.Carrier.KERNEL, gateways);
  }

  private List<Fixture> ofDevice(HostPlan plan, int index) {
    return plan.hostDevice(index, ownership, Optional.empty(), Optional.empty());
  }

  private HostDevice hostDevice() {
    return new HostDevice(netlink, devices);
  }

  private void requireOurs(Vni vni, Vtep vtep) {
    if (!vni.equals(config.vni()) || vtep.port() != wire.port()) {
      throw new IllegalArgumentException(
          "This datapath was opened for VNI %s and port %d, not for VNI %s and port %d."
              .formatted(config.vni(), wire.port(), vni, vtep.port()));
    }
  }

  private void requireNameFree() {
    if (devices.find(HostDevice.NAME).isPresent()) {
      throw new RefusedException(
          "There is an interface "
              + HostDevice.NAME
              + " already: this host still carries packets by eBPF; run \"culvert leave\" first.");
    }
  }

  /** Opened in this datapath's namespace; all or nothing. */
  private Tunnel tunnel(Identity identity, int innerMtuBytes) {
    Tunnel.Settings settings =
        new Tunnel.Settings(
            HostDevice.NAME,
            identity.vni(),
            wire.vni(),
            identity.vtep(),
            identity.gateways().stream().map(Gateway::address).toList(),
            config.sourcePorts(),
            innerMtuBytes);
    return namespace.run(() -> {
      try (Undo undo = new Undo()) {
        Tunnel tunnel = Tunnel.open(libc, settings, netlink.routes()::pathMtuTo, counters);
        undo.push(tunnel::close);
        tunnel.setTable(table());
        configureDevice(identity, innerMtuBytes);
        tunnel.begin();
        undo.commit();
        return tunnel;
      }
    });
  }

  private void configureDevice(Identity identity, int innerMtuBytes) {
    LinkInfo device = netlink.link(HostDevice.NAME).orElseThrow();
    int index = device.index();
    netlink.setNoLinkLocal(index);
    netlink.setMtu(index, innerMtuBytes);
    upkeep.make(ofDevice(plan(identity.gateways()), index));
  }

  /** Packets that no rule sends past the stack go through it, so this refuses nothing. */
  private void keepBypass() {
    if (started.isPresent()) {
      List<BypassRules.Port> ports = containers.ports();
      List<BypassRules.Port> bridges = bridges();
      List<BypassRules.Direct> directs =
          directs(Stream.concat(ports.stream(), bridges.stream()).toList());
      Set<IpPrefix> pastTheStack =
          directs.stream().map(BypassRules.Direct::subnet).collect(Collectors.toSet());
      List<IpPrefix> stacks =
          Stream.concat(
                  locals.keySet().stream(),
                  remotes.values().stream().filter(RemoteSubnet::direct).map(RemoteSubnet::subnet))
              .map(Subnet::prefix)
              .filter(prefix -> !pastTheStack.contains(prefix))
              .toList();
      bypass.keep(
          new BypassRules(
              started.get().identity().gateways(),
              stacks,
              directs,
              ports,
              bridges,
              new BypassRules.Tunnel(started.get().deviceIndex(), started.get().innerMtuBytes())));
    }
  }

  /**
   * Nothing is cut past the stack, so all that the ports send must fit; and a next hop of the other
   * family is beyond nftables.
   */
  private List<BypassRules.Direct> directs(List<BypassRules.Port> ports) {
    int most =
        ports.stream()
            .flatMap(port -> netlink.link(port.interfaceIndex()).stream())
            .mapToInt(LinkInfo::mtuBytes)
            .max()
            .orElse(0);
    Set<Integer> taken =
        ports.stream().map(BypassRules.Port::interfaceIndex).collect(Collectors.toSet());
    List<BypassRules.Direct> directs = new ArrayList<>();
    for (RemoteSubnet remote : remotes.values()) {
      IpPrefix prefix = remote.subnet().prefix();
      remote
          .nextHop()
          .filter(_ -> remote.direct())
          .filter(way -> way.mtuBytes() >= most && !taken.contains(way.interfaceIndex()))
          .filter(way -> IpFamily.of(way.gateway()) == prefix.family())
          .flatMap(way ->
              netlink
                  .link(way.interfaceIndex())
                  .map(link ->
                      new BypassRules.Direct(prefix, way.gateway(), link.index(), link.name())))
          .ifPresent(directs::add);
    }
    return directs;
  }

  private List<BypassRules.Port> bridges() {
    Map<Integer, List<IpPrefix>> behind =
        locals.values().stream()
            .filter(local -> local.bridgeIndex() != 0)
            .collect(
                Collectors.groupingBy(
                    LocalSubnet::bridgeIndex,
                    TreeMap::new,
                    Collectors.mapping(local -> local.subnet().prefix(), Collectors.toList())));
    return behind.entrySet().stream()
        .flatMap(bridge ->
            netlink.link(bridge.getKey()).stream()
                .map(link -> new BypassRules.Port(link.index(), link.name(), bridge.getValue())))
        .toList();
  }

  private LinkInfo underlay() {
    return UnderlayInterface.find(netlink, config.underlay());
  }

  private ForwardingTable table() {
    return new ForwardingTable(locals.values(), remotes.values());
  }

  @Override
  public int port() {
    return wire.port();
  }

  /** Before {@link #start}, and one alone: a socket has one port. */
  @Override
  public void take(Vni network, Wires wires) {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(wires, "wires");
    if (wires.equals(Wires.of(wire))) {
      return;
    }
    if (started.isPresent() || !wires.own().equals(wires.other())) {
      throw new RefusedException(
          "A host without eBPF (\"datapath: userspace\") takes packets of "
              + wire
              + " alone while it runs: restart its agent to change that.");
    }
    wire = wires.own();
  }

  @Override
  public List<Failure> apply(List<Change> changes) {
    Objects.requireNonNull(changes, "changes");
    List<Failure> failures = new ArrayList<>();
    for (Change change : changes) {
      try {
        apply(change);
      } catch (RuntimeException e) {
        failures.add(new Failure(change, e));
      }
    }
    publish();
    return failures;
  }

  private void apply(Change change) {
    switch (change) {
      case Change.PutEndpoint put -> containers.put(put.endpoint());
      case Change.RemoveEndpoint remove -> containers.forget(remove.address());
      case Change.PutRemote put -> {
        directRoutes.put(put.remote());
        locals.remove(put.remote().subnet());
        remotes.put(put.remote().subnet(), put.remote());
      }
      case Change.PutLocal put -> {
        directRoutes.remove(put.local().subnet());
        remotes.remove(put.local().subnet());
        locals.put(put.local().subnet(), put.local());
      }
      case Change.RemoveSubnet remove -> {
        directRoutes.remove(remove.subnet());
        remotes.remove(remove.subnet());
        locals.remove(remove.subnet());
      }
    }
  }

  private void publish() {
    subnets = new State(List.copyOf(remotes.values()), List.copyOf(locals.values()), List.of());
    started.ifPresent(now -> now.tunnel().setTable(table()));
    keepBypass();
  }

  /** Endpoints whose device is gone are left out. */
  @Override
  public State read() {
    State now = subnets;
    return new State(now.remotes(), now.locals(), containers.present());
  }

  /** What {@link #start} set; empty before: nothing of it outlives the process. */
  @Override
  public Optional<Identity> identity() {
    return started.map(Started::identity);
  }

  /**
   * {@return why this process carries no packets any more, one sentence; empty while it does, and
   * before {@link #start}} Any thread may ask.
   */
  public Optional<String> failure() {
    return started.flatMap(now -> now.tunnel().failure());
  }

  /** Since this object was opened. */
  @Override
  public Map<Verdict, Counter> counters() {
    return counters.read();
  }

  @Override
  public Optional<NextHop> nextHop(InetAddress underlayAddress) {
    Objects.requireNonNull(underlayAddress, "underlayAddress");
    return nextHops.to(underlayAddress);
  }

  @Override
  public int overlayMtuBytes(InetAddress underlayAddress) {
    Objects.requireNonNull(underlayAddress, "underlayAddress");
    return innerMtuBytes(underlayAddress, identity().map(Identity::networks).orElse(List.of()));
  }

  private int innerMtuBytes(InetAddress underlayAddress, List<IpPrefix> networks) {
    return HostDevice.innerMtuBytes(
        WaysOut.narrowest(netlink, underlay()), underlayAddress, networks);
  }

  @Override
  public List<Endpoint> vanishedEndpoints() {
    return containers.vanished();
  }

  @Override
  public Endpoint attach(Attachment attachment) {
    Objects.requireNonNull(attachment, "attachment");
    List<Gateway> gateways =
        identity()
            .map(Identity::gateways)
            .orElseThrow(() ->
                new IllegalStateException("The datapath has not been started yet: call start."));
    Endpoint endpoint = containers.attach(attachment, plan(gateways));
    keepBypass();
    return endpoint;
  }

  @Override
  public Optional<Endpoint> attached(Vni vni, ContainerEnd container) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(container, "container");
    return containers.attached(container).filter(endpoint -> endpoint.vni().equals(vni));
  }

  /** The kernel would not route to it: the host's end needs addresses and routes of ours. */
  @Override
  public Endpoint attachExisting(ExistingInterface wish) {
    Objects.requireNonNull(wish, "wish");
    throw new RefusedException(
        "A host without eBPF (\"datapath: userspace\") attaches only interfaces that it makes itself,"
            + " not "
            + wish.interfaceName()
            + " of "
            + wish.netns()
            + ": run \"culvert attach\" without --existing.");
  }

  @Override
  public void detach(Vni vni, InetAddress address) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(address, "address");
    containers.detach(address);
    keepBypass();
  }

  /**
   * The kernel forwards between bridge and TUN device; the bridge must be its containers' router.
   */
  @Override
  public void attachBridge(InterfaceName bridge, List<Subnet> subnets) {
    Objects.requireNonNull(bridge, "bridge");
    Objects.requireNonNull(subnets, "subnets");
    LinkInfo device = ForeignBridge.find(netlink, bridge);
    for (Subnet subnet : subnets) {
      forwarding.turn(device, subnet.prefix().family(), true);
      apply(new Change.PutLocal(new LocalSubnet(subnet, device.index())));
    }
    publish();
  }

  /** A subnet that is this host's own stays so, without the bridge. */
  @Override
  public void detachBridge(InterfaceName bridge) {
    Objects.requireNonNull(bridge, "bridge");
    int index = netlink.link(bridge).map(LinkInfo::index).orElse(-1);
    for (LocalSubnet local : List.copyOf(locals.values())) {
      if (local.bridgeIndex() == index) {
        apply(ForeignBridge.without(local, identity()));
      }
    }
    publish();
  }

  @Override
  public AutoCloseable watch(Runnable listener) {
    Objects.requireNonNull(listener, "listener");
    return netlink.watch(listener);
  }

  @Override
  public void remove() {
    containers.removeAll();
    bypass.remove();
    masquerade.remove();
    stop();
  }

  /** Stops carrying packets; containers keep their interfaces. */
  @Override
  public void close() {
    stop();
    netlink.close();
    namespace.close();
  }

  private void stop() {
    stopTunnel();
    directRoutes.removeAll();
  }

  private void stopTunnel() {
    started.ifPresent(now -> now.tunnel().close());
    started = Optional.empty();
  }
}
