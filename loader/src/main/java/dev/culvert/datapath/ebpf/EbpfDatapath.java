// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.Wire;
import dev.culvert.datapath.Wires;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.host.MasqueradeKeeper;
import dev.culvert.datapath.host.Mtus;
import dev.culvert.datapath.host.NextHops;
import dev.culvert.datapath.host.OwnDevices;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.KernelClock;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The datapath of a kernel with BPF, in the network namespace of the thread that opens it. Packets
 * never meet this class: it fills maps, attaches programs and makes devices, and all of these stay
 * when it is closed.
 */
public final class EbpfDatapath implements Datapath {
  private final Libc libc;
  private final EbpfConfig config;
  private final Pins pins;
  private final boolean fresh;
  private final PinnedLinks links;
  private final Netlink netlink;
  private final OwnDevices devices;

  /** Holds the maps, also when other programs were loaded since. */
  private final Programs first;

  private final Tables tables;
  private final Containers containers;
  private final ForeignContainers foreign;
  private final Bridges bridges;
  private final Decapsulator decapsulator;
  private final Underlays underlays;
  private final NextHops nextHops;
  private final Mtus mtus;
  private final MasqueradeKeeper masquerade;
  private final HostKeeper keeper;

  private Programs programs;
  private Optional<Vni> programsVni;
  private volatile Optional<Wires> wires;

  /** What other hosts are told: that of the device, or the other that is taken. */
  private int ownPort;

  private volatile Optional<Identity> identity;

  /**
   * @param fresh whether they were made just now
   */
  private record Pinned(Pins pins, Programs programs, boolean fresh) {}

  private EbpfDatapath(Libc libc, EbpfConfig config, Netlink netlink, Pinned pinned) {
    Programs loaded = pinned.programs();
    this.libc = libc;
    this.config = config;
    this.pins = pinned.pins();
    this.fresh = pinned.fresh();
    this.netlink = netlink;
    this.links = new PinnedLinks(libc, pins);
    Ownership ownership = new Ownership(pins.instance());
    this.devices = new OwnDevices(netlink, ownership);
    this.first = loaded;
    this.programs = loaded;
    this.identity = pins.identity();
    this.programsVni = identity.map(Identity::vni);
    this.wires = wires(pins, config, programsVni);
    this.ownPort = wires.map(taken -> taken.own().port()).orElse(config.port());
    this.tables = Tables.of(loaded.object()::map);
    this.containers = new Containers(libc, devices, tables.endpoints(), links);
    this.foreign = new ForeignContainers(libc, netlink, tables.endpoints(), links);
    this.bridges = new Bridges(netlink, tables, links);
    this.decapsulator = Decapsulator.open(libc, links, config.decapsulation());
    this.underlays = new Underlays(netlink, links, config);
    this.nextHops =
        new NextHops(
            netlink, NextHops.MtuSource.ROUTE, () -> identity.map(i -> i.vtep().address()));
    this.mtus = new Mtus(libc, netlink, ownership);
    this.masquerade = new MasqueradeKeeper(libc, netlink, ownership, config.masquerade());
    this.keeper =
        new HostKeeper(
            libc,
            new HostKeeper.Parts(netlink, devices, ownership, links, tables, masquerade),
            containers,
            bridges);
  }

  /**
   * Loads and pins the programs, or takes over those that are pinned already (replacing them
   * atomically).
   *
   * @param libc the way to the kernel
   * @param config of this instance
   * @return a datapath in the calling thread's network namespace, the caller's to close
   * @throws RefusedException when the pin folder cannot hold pins, or holds those of another
   *     version
   * @throws dev.culvert.kernel.KernelException when the kernel refuses, such as for lack of
   *     privilege
   */
  public static EbpfDatapath open(Libc libc, EbpfConfig config) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(config, "config");
    Pins pins = Pins.create(libc, config.pins());
    pins.requireAbi();
    requireSamePort(libc, config, pins);
    boolean fresh = pins.abi().isEmpty();
    Optional<Vni> vni = pins.identity().map(Identity::vni);
    try (Undo undo = new Undo()) {
      if (fresh) {
        undo.push(() -> pins.removeAll(Tables.MAPS));
      }
      Netlink netlink = Netlink.open(libc);
      undo.push(netlink::close);
      if (fresh) {
        OtherPins.requireNone(libc, netlink, pins);
      }
      Programs loaded =
          Programs.load(libc, pins, config, new Programs.Network(vni, wires(pins, config, vni)));
      undo.push(loaded::close);
      EbpfDatapath datapath =
          new EbpfDatapath(libc, config, netlink, new Pinned(pins, loaded, fresh));
      datapath.links.replaceAll(loaded);
      pins.claim();
      undo.commit();
      return datapath;
    }
  }

  private static boolean has(Wires wires, int port) {
    return wires.own().port() == port || wires.other().port() == port;
  }

  /** What was set while an earlier process ran; else what the configuration says. */
  private static Optional<Wires> wires(Pins pins, EbpfConfig config, Optional<Vni> vni) {
    Optional<Integer> pinned =
        pins.identity().map(before -> before.vtep().port()).filter(_ -> config.followsPins());
    int port = pinned.orElse(config.port());
    return vni.map(own ->
        pins.wires()
            .filter(wires -> has(wires, port))
            .orElseGet(() -> Wires.of(new Wire(port, own))));
  }

  /**
   * Before a program is replaced: those of containers here would send to a port that nobody has.
   */
  private static void requireSamePort(Libc libc, EbpfConfig config, Pins pins) {
    Optional<Integer> other =
        pins.identity().map(before -> before.vtep().port()).filter(port -> port != config.port());
    if (other.isEmpty()
        || config.followsPins()
        || pins.wires().filter(wires -> has(wires, config.port())).isPresent()) {
      return;
    }
    int count = DatapathSnapshot.read(libc, config.pins()).state().endpoints().size();
    if (count > 0) {
      throw new RefusedException(
          "Containers of this host ("
              + count
              + ") are attached with port "
              + other.get()
              + ", and the configuration says port "
              + config.port()
              + ": nothing was changed; change it back, or leave the overlay, which detaches all"
              + " containers, and start again.");
    }
  }

  /**
   * What is pinned in a folder, read without an agent and without changing anything.
   *
   * @param libc the way to the kernel
   * @param pins the instance's folder
   * @return what was there at this moment
   * @throws RefusedException when the folder holds no datapath, or one of another version
   */
  public static DatapathSnapshot inspect(Libc libc, Path pins) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(pins, "pins");
    return DatapathSnapshot.read(libc, pins);
  }

  /**
   * Whether the instance that pinned a folder lives in the calling thread's network namespace: its
   * device culvert0 is there, also when no agent runs.
   *
   * @param libc the way to the kernel
   * @param pins the instance's folder: its name alone counts, it need not exist
   * @return false also where another instance has its device here
   */
  public static boolean livesHere(Libc libc, Path pins) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(pins, "pins");
    Ownership ownership = new Ownership(pins.toAbsolutePath().getFileName().toString());
    try (Netlink netlink = Netlink.open(libc)) {
      return netlink.link(HostDevice.NAME).filter(ownership::owns).isPresent();
    }
  }

  @Override
  public void start(Vni vni, Vtep vtep, List<Gateway> gateways) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(vtep, "vtep");
    Objects.requireNonNull(gateways, "gateways");
    if (wires.isEmpty() || !programsVni.equals(Optional.of(vni))) {
      use(vni, Wires.of(new Wire(wires.map(w -> w.own().port()).orElse(config.port()), vni)));
    }
    requireTaken(vtep.port());
    ownPort = vtep.port();
    Vtep device = new Vtep(vtep.address(), port(), vtep.mac());
    Identity started = new Identity(vni, device, gateways, config.underlay());
    List<Endpoint> lost = containers.lost(vni);
    int innerMtuBytes = innerMtuBytes(vtep.address(), started.networks());
    keeper.start(started, innerMtuBytes, identity, programs);
    tables.vteps().setSelf(vtep.address());
    new ContainerLinks(links).complete(ContainerLinks.Pair.of(programs));
    underlays.attach(programs, tables.subnets().interfaceIndexes());

    pins.setIdentity(started);
    identity = Optional.of(started);
    containers.adopt(lost, ContainerLinks.Pair.of(programs));
    dropVanished();
    boolean _ = refresh();
  }

  @Override
  public boolean takes(int udpPort) {
    return wires.map(taken -> has(taken, udpPort)).orElse(udpPort == config.port());
  }

  private void requireTaken(int port) {
    if (!takes(port)) {
      throw new IllegalArgumentException(
          "This host's VTEP has port "
              + port
              + ", but the programs were loaded for port "
              + port()
              + ": give both the same.");
    }
  }

  @Override
  public boolean takesTwoWires() {
    return true;
  }

  @Override
  public void take(Vni network, Wires wanted) {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(wanted, "wanted");
    if (wires.equals(Optional.of(wanted)) && programsVni.equals(Optional.of(network))) {
      return;
    }
    if (wanted.equals(Wires.of(new Wire(wanted.own().port(), network)))) {
      use(network, wanted);
      pins.clearWires();
    } else {
      pins.setWires(wanted); // first, for whoever comes after a process that dies here
      use(network, wanted);
    }
  }

  /** Loads the programs anew: the verifier takes their settings as constants. */
  private void use(Vni network, Wires wanted) {
    Optional<Vni> vni = Optional.of(network);
    Programs fresh =
        Programs.load(libc, pins, config, new Programs.Network(vni, Optional.of(wanted)));
    links.replaceAll(fresh);
    Programs old = programs;
    programs = fresh;
    programsVni = vni;
    wires = Optional.of(wanted);
    if (old != first) {
      old.close();
    }
  }

  private Identity started() {
    return identity.orElseThrow(
        () -> new IllegalStateException("The datapath has not been started yet: call start."));
  }

  @Override
  public Optional<Identity> identity() {
    return identity;
  }

  @Override
  public void remember(String word) {
    Objects.requireNonNull(word, "word");
    pins.setWord(word);
  }

  @Override
  public Optional<String> remembered() {
    return pins.word();
  }

  @Override
  public int port() {
    return wires.map(taken -> taken.own().port()).orElse(config.port());
  }

  @Override
  public List<Failure> apply(List<Change> changes) {
    Objects.requireNonNull(changes, "changes");
    List<Failure> failures = new ArrayList<>();
    List<Change> subnets = new ArrayList<>();
    for (Change change : changes) {
      try {
        // Endpoints have maps of their own: their order among subnets does not matter.
        switch (change) {
          case Change.PutEndpoint put -> containers.put(put.endpoint());
          case Change.RemoveEndpoint remove -> containers.forget(remove.vni(), remove.address());
          case Change.PutRemote put -> {
            // Packets may come back the way that ours go.
            put.remote()
                .nextHop()
                .ifPresent(hop -> underlays.reach(hop.interfaceIndex(), programs));
            subnets.add(put);
          }
          case Change.PutLocal put -> subnets.add(put);
          case Change.RemoveSubnet remove -> subnets.add(remove);
        }
      } catch (RuntimeException e) {
        failures.add(new Failure(change, e));
      }
    }
    failures.addAll(tables.subnets().apply(subnets));
    return failures;
  }

  /** Endpoints whose device is gone are left out; {@link #dropVanished()} takes them away. */
  @Override
  public State read() {
    State all = tables.read(ownPort);
    Containers.Devices devices = containers.devices();
    return new State(
        all.remotes(),
        all.locals(),
        all.endpoints().stream().filter(devices::has).map(devices::named).toList());
  }

  @Override
  public Map<Verdict, Counter> counters() {
    return tables.counters().read();
  }

  /** {@return totals over all CPUs, by VTEP and by endpoint} Any thread may ask. */
  public TrafficCounters traffic() {
    return tables.traffic();
  }

  @Override
  public Optional<NextHop> nextHop(InetAddress underlayAddress) {
    Objects.requireNonNull(underlayAddress, "underlayAddress");
    return nextHops.to(underlayAddress);
  }

  @Override
  public int overlayMtuBytes(InetAddress underlayAddress) {
    Objects.requireNonNull(underlayAddress, "underlayAddress");
    return innerMtuBytes(underlayAddress, identity.map(Identity::networks).orElse(List.of()));
  }

  private int innerMtuBytes(InetAddress underlayAddress, List<IpPrefix> networks) {
    return HostDevice.innerMtuBytes(underlays.narrowest(), underlayAddress, networks);
  }

  /** Before {@link #start} there is nothing to keep. */
  @Override
  public boolean refresh() {
    if (identity.isEmpty()) {
      return false;
    }
    Identity own = identity.get();
    tables.flows().expire(KernelClock.monotonicNs(libc));
    boolean tablesChanged = keeper.keep(own, overlayMtuBytes(own.vtep().address()), programs);
    underlays.follow(programs);
    decapsulator.follow(underlays.first(), programs.object().program(ProgramNames.STRIP_AT_XDP));
    mtus.follow(overlayMtuBytes(own.vtep().address()));
    return tablesChanged;
  }

  /** All that this instance keeps on its host beside programs, from what {@link #refresh} works. */
  List<Fixture> fixtures() {
    return keeper.fixtures(started(), programs);
  }

  @Override
  public List<String> problems() {
    return keeper.problems();
  }

  /** {@return where outer headers come off now, and why there; empty before {@link #start}} */
  public Optional<DecapsulationChoice> decapsulation() {
    return decapsulator.choice();
  }

  @Override
  public List<Endpoint> vanishedEndpoints() {
    Containers.Devices devices = containers.devices();
    return tables.endpoints().read().stream().filter(endpoint -> !devices.has(endpoint)).toList();
  }

  @Override
  public Endpoint attach(Attachment attachment) {
    Objects.requireNonNull(attachment, "attachment");
    return containers.attach(
        attachment, HostKeeper.plan(started()), ContainerLinks.Pair.of(programs));
  }

  @Override
  public Optional<Endpoint> attached(Vni vni, ContainerEnd container) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(container, "container");
    return containers.attached(vni, container);
  }

  @Override
  public Endpoint attachExisting(ExistingInterface wish) {
    Objects.requireNonNull(wish, "wish");
    return foreign.attach(wish, started().gateways(), ContainerLinks.Pair.of(programs));
  }

  @Override
  public void detach(Vni vni, InetAddress address) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(address, "address");
    containers.detach(vni, address);
  }

  @Override
  public void attachBridge(InterfaceName bridge, List<Subnet> subnets) {
    Objects.requireNonNull(bridge, "bridge");
    Objects.requireNonNull(subnets, "subnets");
    bridges.attach(bridge, subnets, ContainerLinks.Pair.of(programs));
  }

  @Override
  public void detachBridge(InterfaceName bridge) {
    Objects.requireNonNull(bridge, "bridge");
    bridges.detach(bridge, started());
  }

  /**
   * Takes away what belongs to devices that somebody else removed: entries, pins, and pairs that an
   * agent left half made.
   *
   * @return the endpoints that are gone
   */
  List<Endpoint> dropVanished() {
    List<Endpoint> gone = containers.dropVanished();
    identity.ifPresent(bridges::dropVanished);
    links.dropVanished();
    return gone;
  }

  @Override
  public AutoCloseable watch(Runnable listener) {
    Objects.requireNonNull(listener, "listener");
    return netlink.watch(listener);
  }

  /**
   * Takes away what an instance left in the calling thread's network namespace, without loading or
   * reading it: devices, links and pins, also those of another version or damaged ones. What else
   * lies in the folder stays, and the folder with it.
   *
   * @param libc the way to the kernel
   * @param folder the instance's; need not exist
   */
  public static void removeLeftovers(Libc libc, Path folder) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(folder, "folder");
    Pins pins = Pins.leftBehind(folder);
    try (Netlink netlink = Netlink.open(libc)) {
      Ownership ownership = new Ownership(pins.instance());
      new OwnDevices(netlink, ownership).deleteAll();
      new MasqueradeKeeper(libc, netlink, ownership, Optional.empty()).remove();
    }
    PinnedLinks links = new PinnedLinks(libc, pins);
    for (String name : pins.links()) {
      try {
        links.detach(name);
      } catch (KernelException noLink) { // something else is pinned in its place
        Pins.delete(pins.link(name));
      }
    }
    pins.removeAll(Tables.MAPS);
  }

  @Override
  public void remove() {
    // Devices first: without its program, a container could send anything for a moment.
    devices.deleteAll();
    masquerade.remove();
    links.detachAll();
    pins.removeAll(Tables.MAPS);
  }

  /** What was opened anew and never started carries nothing: no pin stays of it. */
  @Override
  public void close() {
    if (fresh && identity.isEmpty()) {
      pins.removeAll(Tables.MAPS);
    }
    if (programs != first) {
      programs.close();
    }
    first.close();
    decapsulator.close();
    netlink.close();
  }
}
