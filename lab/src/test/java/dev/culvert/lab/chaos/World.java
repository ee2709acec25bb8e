// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.Acknowledged;
import dev.culvert.control.HistoryInvariants;
import dev.culvert.control.HistoryMember;
import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Namespaces;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Shell;
import dev.culvert.store.etcd.EtcdLeaseStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * All machines of a run and their etcd.
 *
 * <pre>
 *   m1 m2 m3 (etcd)   h1 .. h4 (agents, kernel tables, a container each)
 *    └──┴──┴── lan ────┴─────┘
 *               │ this process: simulated agents
 * </pre>
 */
final class World implements AutoCloseable {
  /**
   * Not the shortest that there is: on a machine that is busy with other things (load 30 on two
   * processors) an agent may be kept from running for so long that it has slept past ten seconds,
   * and rightly cuts itself off.
   */
  static final Duration LEASE = Duration.ofSeconds(30);

  /** 31 subnets that are given, and two machines more, which want another's. */
  private static final String NETWORK = "10.244.0.0/19";

  static final int REAL = 4;

  /**
   * How large a world is, and what is apart from another's.
   *
   * @param name which begins those of its devices and ends those of its namespaces; short
   * @param underlay an IPv4 /24 without its last number
   * @param members of etcd at the most
   * @param simulated how many hosts, besides the real ones
   */
  record Size(String name, String underlay, int members, int simulated) {
    /** More hosts than there are subnets: two always want another's. */
    static final Size FULL = new Size("a", "10.17.2.", 3, 29);

    /** With an etcd of one member. */
    static final Size SMALL = new Size("b", "10.17.3.", 1, 6);
  }

  /** How often etcd is asked where nothing is wrong with it; each time for seconds. */
  private static final int ASKED = 10;

  /** How often an agent is started that finds no etcd. */
  private static final int STARTS = 5;

  /** How often somebody who is refused tries again. */
  private static final Duration RETRY = Duration.ofSeconds(2);

  private static final Duration LOOK = Duration.ofMillis(500);

  final Shell shell = new Shell();
  final Links links;
  final Optional<Security> security;
  final EtcdCluster etcd;
  final List<RealHost> real;
  final List<SimulatedHost> simulated;
  final Forwarders forwarders = new Forwarders();
  final Acknowledged acknowledged = new Acknowledged();
  private final Path folder;
  private final String prefix;
  private final Size size;
  private final ExecutorService starting = Executors.newVirtualThreadPerTaskExecutor();
  private final Thread looking =
      Thread.ofPlatform().daemon().name("chaos-look").unstarted(this::look);
  private final Thread retrying =
      Thread.ofPlatform().daemon().name("chaos-start").unstarted(this::retry);
  private final List<String> broken = new ArrayList<>();
  private EtcdLeaseStore store;
  private volatile boolean over;

  /**
   * @param prefix of the names of all namespaces
   * @param folder that is made
   * @param secured whether etcd and its clients show certificates and passwords
   */
  World(String prefix, Path folder, Size size, boolean secured) throws IOException {
    this.prefix = prefix + size.name();
    this.folder = Files.createDirectories(folder);
    this.size = size;
    this.links = new Links(shell, "lan-" + size.name());
    this.security =
        secured ? Optional.of(new Security(shell, folder, member(1))) : Optional.empty();
    this.etcd =
        new EtcdCluster(
            IntStream.rangeClosed(1, size.members())
                .mapToObj(i ->
                    new EtcdMember(
                        shell, namespace("m", i), member(i), folder.resolve("m" + i), security))
                .toList(),
            security);
    this.real =
        IntStream.rangeClosed(1, REAL)
            .mapToObj(i -> new RealHost(shell, namespace("h", i), i, folder))
            .toList();
    SimulatedHost.Surroundings around =
        new SimulatedHost.Surroundings(
            () -> new EtcdLeaseStore(etcd.config()), forwarders, acknowledged);
    this.simulated =
        IntStream.rangeClosed(1, size.simulated())
            .mapToObj(i -> new SimulatedHost(config(i), around))
            .toList();
  }

  private String namespace(String kind, int number) {
    return prefix + kind + number;
  }

  private String member(int number) {
    return size.underlay() + (10 + number);
  }

  private OverlayConfig.Builder config(int number) {
    return OverlayConfig.builder(
            new HostName("sim-%02d".formatted(number)),
            IpPrefix.parseAddress(size.underlay() + (100 + number)))
        .network(IpPrefix.parse(NETWORK))
        .directRouting(false) // as the real ones
        .leaseDuration(LEASE);
  }

  /** Everything is there, and everybody has joined. */
  void build() {
    links.build(size.underlay() + "1");
    for (int i = 1; i <= size.members(); i++) {
      links.join(namespace("m", i), i, member(i));
    }
    etcd.makeAnew(1);
    store = new EtcdLeaseStore(etcd.config());
    for (int i = 1; i <= REAL; i++) {
      RealHost host = real.get(i - 1);
      connect(host);
      String secured = security.map(Security::yaml).orElse("");
      host.configure(etcd.config(), secured, LEASE, NETWORK);
      host.launch();
    }
    for (RealHost host : real) {
      for (int i = 1; i < STARTS && !host.isReady(); i++) {
        host.launch(); // as a service manager: on a busy machine etcd may answer late
      }
      host.awaitReady();
      host.attach();
      forwarders.started(host.name());
    }
    looking.start();
    retrying.start();
  }

  private int port(RealHost host) {
    return size.members() + 1 + real.indexOf(host);
  }

  private void connect(RealHost host) {
    links.join(host.namespace, port(host), size.underlay() + (21 + real.indexOf(host)));
    new Namespaces(shell).create(List.of(host.container));
  }

  /** Its kernel begins anew, with a container in which nothing is; its agent does not run. */
  void reboot(RealHost host) {
    forwarders.sleeps(host.name());
    host.kill();
    links.remove(host.namespace, port(host));
    new Namespaces(shell).delete(List.of(host.container));
    host.forget();
    forwarders.changed(host.name(), Set.of());
    connect(host);
  }

  /** What the kernels of real hosts forward, and who had the time to look around. */
  private void look() {
    while (!over) {
      try {
        for (RealHost host : real) {
          if (host.isAwake()) {
            forwarders.sampled(host.name(), host.forwards());
          }
        }
      } catch (RuntimeException e) {
        // Its tables are being made anew: the next look tells.
      }
      forwarders.look();
      Patience.pause(LOOK);
    }
  }

  private void retry() {
    while (!over) {
      List<SimulatedHost> waiting =
          simulated.stream().filter(host -> host.isWanted() && !host.isRunning()).toList();
      List<java.util.concurrent.Future<?>> tries = new ArrayList<>();
      waiting.forEach(host -> tries.add(starting.submit(host::start)));
      for (var one : tries) {
        try {
          Object _ = one.get();
        } catch (java.util.concurrent.ExecutionException e) {
          broken(String.valueOf(e.getCause()));
        } catch (InterruptedException e) {
          return;
        }
      }
      Patience.pause(RETRY);
    }
  }

  synchronized void broken(String what) {
    broken.add(what);
  }

  /** What must not be, and was. */
  synchronized List<String> violations() {
    return Stream.of(broken, forwarders.violations(), acknowledged.overwritten())
        .flatMap(List::stream)
        .toList();
  }

  Stream<HistoryMember> running() {
    return Stream.concat(
        real.stream().filter(RealHost::isAwake), simulated.stream().filter(SimulatedHost::isAwake));
  }

  /** What etcd holds; asked again where a busy machine answers late. */
  List<Lease> leases() {
    for (int i = 1; i < ASKED; i++) {
      try {
        return store.list();
      } catch (LeaseStoreException e) {
        Patience.pause(LOOK);
      }
    }
    return store.list();
  }

  /** Who has which subnet, by the store. */
  Map<HostName, Subnet> holders() {
    Map<HostName, Subnet> holders = new HashMap<>();
    leases().forEach(lease -> holders.put(lease.host(), lease.subnet()));
    return holders;
  }

  /** What is not as the store says, and what the store lost; empty where all is right. */
  Optional<String> wrong() {
    try {
      List<Lease> held = store.list();
      return running()
          .map(machine -> HistoryInvariants.difference(held, machine))
          .flatMap(Optional::stream)
          .findFirst();
    } catch (LeaseStoreException e) {
      return Optional.of(e.getMessage());
    } catch (RuntimeException e) {
      return Optional.of(e.toString());
    }
  }

  /**
   * Waits until all tables are right.
   *
   * @return after how long; empty if not within the patience, which is a violation
   */
  Optional<Duration> awaitRight(Duration patience) {
    long beganNs = System.nanoTime();
    Optional<String> wrong = wrong();
    while (wrong.isPresent() && System.nanoTime() - beganNs < patience.toNanos()) {
      Patience.pause(Duration.ofMillis(100));
      wrong = wrong();
    }
    Duration took = Duration.ofNanos(System.nanoTime() - beganNs);
    wrong.ifPresent(what -> broken("after " + patience.toSeconds() + " s still " + what));
    return wrong.isPresent() ? Optional.empty() : Optional.of(took);
  }

  /** Nothing that was acknowledged is lost, once all is quiet. */
  void checkAcknowledged() {
    // In this order: what is acknowledged meanwhile would be missing otherwise.
    List<Lease> said = acknowledged.leases();
    List<Lease> held = leases();
    Acknowledged then = new Acknowledged();
    said.forEach(then::done);
    then.missing(held)
        .filter(_ -> acknowledged.missing(leases()).isPresent())
        .ifPresent(this::broken);
  }

  /** Whoever lived through a fault of the store has the subnet that it had. */
  void checkKept(Map<HostName, Subnet> before, List<HostName> living) {
    Map<HostName, Subnet> now = holders();
    for (HostName host : living) {
      if (before.containsKey(host) && !before.get(host).equals(now.get(host))) {
        broken(host + " lived all along, and lost " + before.get(host) + "; has " + now.get(host));
      }
    }
  }

  SimulatedHost simulated(int chosen) {
    List<SimulatedHost> awake = simulated.stream().filter(SimulatedHost::isAwake).toList();
    return awake.get(chosen % awake.size());
  }

  Optional<SimulatedHost> simulated(HostName name) {
    return simulated.stream().filter(host -> host.name().equals(name)).findFirst();
  }

  Path file(String name) {
    return folder.resolve(name);
  }

  @Override
  public void close() {
    over = true;
    retrying.interrupt();
    simulated.forEach(host -> {
      try {
        host.kill();
      } catch (RuntimeException e) {
        System.out.println(host.name() + " does not close: " + e);
      }
    });
    try {
      real.forEach(RealHost::leave);
    } catch (LabException e) {
      System.out.println(e.getMessage());
    }
    if (store != null) {
      store.close();
    }
    etcd.close();
    shell.close();
  }
}
