// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.daemon.UnderlayChoice;
import dev.culvert.agent.socket.Instance;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.host.MasqueradeKeeper;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.RouteInfo;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** What the agent of one configuration meets on its host and in its network. Changes nothing. */
public final class ConfiguredHost {
  /** A dead file server never answers. */
  private static final Duration STORE = Duration.ofSeconds(10);

  /** Differences below it are nobody's trouble. */
  private static final Duration CLOCKS = Duration.ofSeconds(30);

  private static final int PING_MS = 1000;

  private final Libc libc;
  private final AgentConfig config;

  public ConfiguredHost(Libc libc, AgentConfig config) {
    this.libc = libc;
    this.config = config;
  }

  /** Every check, in the order in which to mend. */
  public List<Check> examine() {
    List<Check> checks = new ArrayList<>();
    StoreReading store = readStore();
    checks.add(store.check());
    List<Lease> others =
        store.leases().stream()
            .filter(lease -> lease.subnet().vni().equals(config.vni()))
            .filter(lease -> !lease.host().equals(config.host()))
            .toList();
    checks.add(
        store
            .clockAhead()
            .flatMap(ConfiguredHost::clock)
            .orElseGet(() -> clock(others, Instant.now())));
    try (Netlink netlink = Netlink.open(libc)) {
      checks.add(underlay(netlink));
      boolean pinned = Files.isDirectory(Instance.of(config).pins());
      checks.add(device(pinned, netlink.link(Doctor.DEVICE).isPresent()));
      checks.add(routes(foreign(netlink)));
      checks.add(vteps(others.stream().flatMap(o -> trouble(netlink, o).stream()).toList()));
    } catch (KernelException e) {
      checks.add(Check.warn("routes", "cannot tell", e.getMessage()));
    }
    config
        .masquerade()
        .ifPresent(wish -> checks.add(masquerade(MasqueradeKeeper.tryOut(libc, wish, networks()))));
    return checks;
  }

  private Check underlay(Netlink netlink) {
    try {
      UnderlayChoice.Chosen chosen = UnderlayChoice.of(config, netlink);
      return Check.ok(
          "underlay",
          chosen.underlay().interfaceName() + ", " + IpAddresses.text(chosen.address()));
    } catch (UserException none) {
      return Check.fail("underlay", "not there", none.getMessage());
    }
  }

  private List<IpPrefix> networks() {
    return config.networks().stream().map(OverlayConfig.Network::prefix).toList();
  }

  /**
   * @param troubles of the kernel's with the rules, and of the ways out
   */
  static Check masquerade(List<String> troubles) {
    return troubles.isEmpty()
        ? Check.ok("masquerade", "this kernel takes its rules, and answers find their way")
        : Check.warn("masquerade", "does not work", String.join(" ", troubles));
  }

  /**
   * What was found of the store.
   *
   * @param clockAhead how far the store's clock is ahead of this machine's, where it has one
   */
  private record StoreReading(Check check, List<Lease> leases, Optional<Duration> clockAhead) {
    static StoreReading none(String found, String advice) {
      return new StoreReading(Check.fail("leases", found, advice), List.of(), Optional.empty());
    }
  }

  private StoreReading readStore() {
    CompletableFuture<StoreReading> reading = new CompletableFuture<>();
    Thread _ =
        Thread.ofPlatform()
            .name("culvert-doctor-store")
            .daemon()
            .start(() -> reading.complete(askStore()));
    try {
      return reading.get(STORE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return StoreReading.none(
          "the store has not answered for " + STORE.toSeconds() + " s",
          "look at its server or file system");
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("The look at the store was interrupted.", e);
    }
  }

  private StoreReading askStore() {
    try {
      config.store().requireExisting();
      try (LeaseStore store = config.store().open()) {
        List<Lease> leases = store.list();
        List<String> problems = new ArrayList<>(config.store().unwritable().stream().toList());
        problems.addAll(store.problems());
        return new StoreReading(store(leases.size(), problems), leases, clockAhead(store));
      }
    } catch (RuntimeException e) { // in its own words
      return StoreReading.none(
          "cannot be read", e.getMessage() != null ? e.getMessage() : e.toString());
    }
  }

  /** Empty also where it cannot be asked, such as a read-only directory; that is told elsewhere. */
  private static Optional<Duration> clockAhead(LeaseStore store) {
    try {
      return store.time().map(theirs -> Duration.between(Instant.now(), theirs));
    } catch (LeaseStoreException e) {
      return Optional.empty();
    }
  }

  static Check store(int leases, List<String> problems) {
    return problems.isEmpty()
        ? Check.ok("leases", leases + " in the store")
        : Check.fail("leases", leases + " in the store", String.join(" ", problems));
  }

  /**
   * Our clock against that of the store.
   *
   * @param storeAhead how far the store's is ahead
   * @return empty where they agree
   */
  static Optional<Check> clock(Duration storeAhead) {
    if (storeAhead.abs().compareTo(CLOCKS) <= 0) {
      return Optional.empty();
    }
    return Optional.of(
        Check.warn(
            "clocks",
            "this machine's clock is %d s %s the store's"
                .formatted(
                    storeAhead.abs().toSeconds(), storeAhead.isNegative() ? "ahead of" : "behind"),
            "set the clock that is wrong, here or there: timedatectl, chronyc tracking"));
  }

  /**
   * Our clock against those of the hosts that wrote leases.
   *
   * @param others other hosts' leases
   */
  static Check clock(List<Lease> others, Instant now) {
    record Renewed(Lease lease, Instant at) {}
    Optional<Renewed> last =
        others.stream()
            .flatMap(
                o -> o.term().flatMap(Lease.Term::renewed).stream().map(a -> new Renewed(o, a)))
            .max(Comparator.comparing(Renewed::at));
    if (last.isEmpty()) {
      return Check.ok("clocks", "no lease of another host to compare with");
    }
    Duration ahead = Duration.between(now, last.get().at());
    if (ahead.compareTo(CLOCKS) > 0) {
      return Check.warn(
          "clocks",
          "the lease of %s was renewed %d s from now by this machine's clock"
              .formatted(last.get().lease().host(), ahead.toSeconds()),
          "set the clock that is wrong, here or there: timedatectl, chronyc tracking");
    }
    boolean allOver = others.stream().filter(o -> !o.isStatic()).allMatch(o -> o.isExpired(now));
    return allOver
        ? Check.warn(
            "clocks",
            "the leases of all other hosts are over by this machine's clock, the last since %s"
                .formatted(last.get().lease().expires().orElseThrow()),
            "if those hosts live, set this machine's clock: timedatectl, chronyc tracking")
        : Check.ok("clocks", "agree with the leases of other hosts");
  }

  /**
   * @param pinned whether the kernel carries packets for this host
   */
  static Check device(boolean pinned, boolean there) {
    if (there || !pinned) {
      return Check.ok("own device", there ? "there" : "not yet: this host has not joined");
    }
    return Check.fail(
        "own device",
        "no " + Doctor.DEVICE + ", though programs of this host are pinned",
        "start the agent, or let it run for some seconds: it makes it anew");
  }

  private record Foreign(RouteInfo route, String device) {
    IpPrefix prefix() {
      return IpPrefix.containing(route.destination(), route.prefixLength());
    }

    @Override
    public String toString() {
      return prefix() + " dev " + device;
    }
  }

  /** Routes that are not ours into the overlay's networks, more exact than ours or as exact. */
  private List<String> foreign(Netlink netlink) {
    return netlink.routes().all().stream()
        .filter(route -> route.table() == RouteInfo.TABLE_MAIN)
        .filter(route -> route.protocol() != RouteInfo.OUR_PROTOCOL)
        .map(route -> new Foreign(route, name(netlink, route.interfaceIndex())))
        .filter(found -> !found.device().equals(Doctor.DEVICE.text()))
        .filter(found ->
            config.networks().stream()
                .map(network -> network.prefix())
                .anyMatch(prefix ->
                    prefix.length() <= found.prefix().length() && prefix.overlaps(found.prefix())))
        .map(Foreign::toString)
        .distinct()
        .toList();
  }

  private static String name(Netlink netlink, int index) {
    return netlink.link(index).map(LinkInfo::name).orElse("interface " + index);
  }

  static Check routes(List<String> foreign) {
    return foreign.isEmpty()
        ? Check.ok("routes", "no foreign one leads into the overlay's networks")
        : Check.warn(
            "routes",
            "somebody else's lead into the overlay's networks: " + String.join(", ", foreign),
            "if they are no container's of yours, delete each: ip route delete PREFIX dev NAME");
  }

  /** What hinders packets to another host's tunnel end. */
  private static Optional<String> trouble(Netlink netlink, Lease lease) {
    InetAddress vtep = lease.vtep().address();
    String who = IpAddresses.text(vtep) + " of " + lease.host();
    Optional<RouteInfo> way = netlink.routes().to(vtep);
    if (way.isEmpty()) {
      return Optional.of("no route to " + who);
    }
    if (name(netlink, way.get().interfaceIndex()).equals(Doctor.DEVICE.text())) {
      return Optional.of("the route to " + who + " leads into the overlay itself");
    }
    try {
      return vtep.isReachable(PING_MS)
          ? Optional.empty()
          : Optional.of("no answer to a ping from " + who);
    } catch (IOException e) {
      return Optional.of("no ping to " + who + " (" + e.getMessage() + ")");
    }
  }

  static Check vteps(List<String> troubles) {
    return troubles.isEmpty()
        ? Check.ok("other hosts", "all answer, as far as the store knows of any")
        : Check.warn(
            "other hosts",
            troubles.stream().collect(Collectors.joining("; ")),
            "look at the way there (ip route get ADDRESS), at firewalls, and whether the host lives");
  }
}
