// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ExistingInterface;
import dev.culvert.datapath.IpPrefix;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * All state of one overlay. Called by the overlay's thread alone; what other threads have to say
 * (the store's events, the kernel's notifications) arrives through the mailbox.
 */
final class OverlayCore {
  /** IPv4 hosts must take this much (RFC 791 section 3.1), so that much must fit. */
  private static final int SMALLEST_MTU_IPV4_BYTES = 576;

  /** RFC 8200 section 5. */
  private static final int SMALLEST_MTU_IPV6_BYTES = 1280;

  /** Kernel notifications come in bursts; one look answers them all. */
  private static final Duration COALESCE = Duration.ofMillis(50);

  /** How often the datapath is read back, in case somebody else changed its tables. */
  private static final Duration AUDIT_PERIOD = Duration.ofSeconds(30);

  private final OverlayConfig config;
  private final Datapath datapath;
  private final Clock clock;
  private final Consumer<Runnable> mailbox;
  private final OverlayTable table;
  private final LeaseKeeper keeper;
  private final StoreLink link;
  private final Problems problems;
  private final SortedMap<String, Endpoint> endpoints = new TreeMap<>();
  private AutoCloseable networkWatch = () -> {};
  private final AtomicBoolean networkLookQueued = new AtomicBoolean();
  private Instant lookAt = Instant.MAX;
  private Instant auditAt = Instant.MAX;
  private Optional<Lease> usedLease = Optional.empty();

  OverlayCore(
      OverlayConfig config,
      LeaseStore store,
      Datapath datapath,
      Clock clock,
      Consumer<Runnable> mailbox) {
    this.config = config;
    this.datapath = datapath;
    this.clock = clock;
    this.mailbox = mailbox;
    this.table =
        new OverlayTable(
            new OverlayTable.Settings(
                config.host(),
                config.vni(),
                config.network(),
                config.directRouting(),
                LeaseKeeper.grace(config)));
    this.keeper = new LeaseKeeper(config, store);
    this.problems = new Problems(config.host());
    this.link = new StoreLink(store, event -> mailbox.accept(() -> accept(event)));
  }

  /** Joins the network; if that fails, a lease that was not held before is given back. */
  void start() {
    checkMtu();
    Instant now = clock.instant();
    Datapath.State state = datapath.read();
    table.setActual(state);
    adoptEndpoints(state);
    keeper.obtain(state, now);
    try {
      useLease();
      networkWatch = datapath.watch(this::networkChanged);
    } catch (RuntimeException e) {
      giveBack(e);
      throw e;
    }
    auditAt = now.plus(AUDIT_PERIOD);
    lookAt = now; // containers may have ended while nobody looked
    doWork();
  }

  /** Does all that is due. Never throws: what fails is shown in {@link #status} and tried again. */
  void doWork() {
    Instant now = clock.instant();
    problems.guard("Keeping the lease", () -> keeper.doWork(now));
    if (!keeper.lease().vtep().equals(usedLease.map(Lease::vtep).orElse(null))
        || problems.has(Problems.START)) {
      problems.guard(Problems.START, this::useLease);
    }
    if (link.doWork(now)) {
      table.restartEvents();
    }
    if (!now.isBefore(auditAt)) {
      auditAt = now.plus(AUDIT_PERIOD);
      problems.guard("Reading the datapath", this::audit);
    }
    if (!now.isBefore(lookAt)) {
      lookAt = Instant.MAX;
      lookAtNetwork();
    }
    if (!table.unknownNextHops().isEmpty()) {
      problems.guard("Asking for routes", () -> lookUp(table.unknownNextHops()));
    }
    problems.guard("Writing the datapath", () -> reconcile(now));
    problems.logNews(allProblems());
  }

  /** When {@link #doWork} has something to do though no message came. */
  Instant nextDeadline() {
    Instant now = clock.instant();
    return List.of(
            keeper.nextDeadline(),
            link.nextDeadline(),
            lookAt,
            auditAt,
            table.nextDeadline(now).orElse(Instant.MAX))
        .stream()
        .min(Instant::compareTo)
        .orElseThrow();
  }

  OverlayStatus status() {
    return new OverlayStatus(
        Optional.of(keeper.lease()),
        table.remotes(),
        List.copyOf(endpoints.values()),
        link.isConnected(),
        Math.max(0, table.revision()),
        table.pending(),
        allProblems());
  }

  Endpoint attach(Path netns, String interfaceName, Optional<InetAddress> wanted) {
    checkInterfaceName(interfaceName);
    requireSubnet();
    IpPrefix subnet = keeper.lease().subnet().prefix();
    Set<InetAddress> taken =
        endpoints.values().stream().map(Endpoint::address).collect(Collectors.toSet());
    wanted.ifPresent(address -> AddressAllocator.check(subnet, address, taken));
    InetAddress address = wanted.orElseGet(() -> AddressAllocator.lowestFree(subnet, taken));
    Endpoint endpoint =
        datapath.attach(
            new Attachment(
                config.vni(),
                netns,
                interfaceName,
                address,
                AddressAllocator.gateway(subnet),
                datapath.overlayMtuBytes()));
    endpoints.put(key(endpoint.address()), endpoint);
    return endpoint;
  }

  Endpoint attachExisting(Path netns, String interfaceName) {
    checkInterfaceName(interfaceName);
    requireSubnet();
    Endpoint endpoint =
        datapath.attachExisting(
            new ExistingInterface(netns, interfaceName, keeper.lease().subnet()));
    endpoints.put(key(endpoint.address()), endpoint);
    return endpoint;
  }

  private void requireSubnet() {
    keeper
        .lostTo()
        .ifPresent(other -> {
          throw new IllegalStateException(
              "No container can be attached: this host lost its subnet "
                  + keeper.lease().subnet()
                  + " to "
                  + other
                  + "; see the overlay's status.");
        });
  }

  void detach(InetAddress address) {
    datapath.detach(config.vni(), address);
    endpoints.remove(key(address));
  }

  void moveTo(InetAddress underlayAddress) {
    OverlayConfig.checkUnderlay(config.network(), underlayAddress);
    if (!Prefixes.sameFamily(underlayAddress, keeper.lease().vtep().address())) {
      throw new IllegalArgumentException(
          "This host's underlay address "
              + keeper.lease().vtep().address().getHostAddress()
              + " cannot become "
              + underlayAddress.getHostAddress()
              + ", which is of another IP family than the other hosts'.");
    }
    keeper.moveTo(underlayAddress, clock.instant());
  }

  void attachBridge(String bridge) {
    checkInterfaceName(bridge);
    datapath.attachBridge(bridge, keeper.lease().subnet());
    audit(); // the datapath knows the bridge's index now
  }

  void detachBridge(String bridge) {
    checkInterfaceName(bridge);
    datapath.detachBridge(bridge);
    audit();
  }

  /** Removes all that was made on this host even when the store cannot be told. */
  void leave() {
    RuntimeException storeFailure = null;
    try {
      keeper.release();
    } catch (LeaseStoreException e) {
      storeFailure =
          new LeaseStoreException(
              "This host left, but its lease of "
                  + keeper.lease().subnet()
                  + " could not be released: "
                  + e.getMessage(),
              e);
    }
    stop();
    try {
      datapath.remove();
    } catch (RuntimeException e) {
      if (storeFailure != null) {
        e.addSuppressed(storeFailure);
      }
      throw e;
    }
    if (storeFailure != null) {
      throw storeFailure;
    }
  }

  /** Stops listening; leases and packets stay as they are. */
  void stop() {
    link.close();
    try {
      networkWatch.close();
    } catch (Exception e) {
      problems.log("The watch of the host's network did not close: " + e);
    }
  }

  private void accept(LeaseEvent event) {
    Instant now = clock.instant();
    link.heard(now);
    table.accept(event);
    keeper.accept(event, now);
  }

  /** Called by the datapath's thread. */
  private void networkChanged() {
    if (networkLookQueued.compareAndSet(false, true)) {
      mailbox.accept(() -> lookAt = clock.instant().plus(COALESCE));
    }
  }

  private void lookAtNetwork() {
    networkLookQueued.set(false); // what changes from here on wants another look
    problems.guard("Asking for routes", () -> lookUp(table.underlayAddresses()));
    problems.guard("Removing containers that ended", this::removeVanished);
    problems.guard("Following the underlay", datapath::refresh);
  }

  private void removeVanished() {
    for (Endpoint endpoint : datapath.vanishedEndpoints()) {
      if (endpoint.vni().equals(config.vni())) {
        detach(endpoint.address());
      }
    }
  }

  private void audit() {
    Datapath.State state = datapath.read();
    table.setActual(state);
    adoptEndpoints(state);
    lookAt = clock.instant();
  }

  private void adoptEndpoints(Datapath.State state) {
    endpoints.clear();
    state.endpoints().stream()
        .filter(endpoint -> endpoint.vni().equals(config.vni()))
        .forEach(endpoint -> endpoints.put(key(endpoint.address()), endpoint));
  }

  private void reconcile(Instant now) {
    table.setOwn(keeper.lease());
    List<Change> changes = table.changes(now, link.isSettled(now));
    if (!changes.isEmpty()) {
      table.applied(changes, datapath.apply(changes), now);
    }
  }

  /** A look-up that fails leaves that next hop as it was, and is tried again at the next audit. */
  private void lookUp(Set<InetAddress> addresses) {
    RuntimeException failure = null;
    for (InetAddress address : addresses) {
      try {
        table.setNextHop(address, datapath.nextHop(address));
      } catch (RuntimeException e) {
        failure =
            new IllegalStateException(
                "the way to " + address.getHostAddress() + " is not known: " + e.getMessage(), e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void useLease() {
    Lease lease = keeper.lease();
    datapath.start(
        config.vni(),
        lease.vtep(),
        AddressAllocator.gateway(lease.subnet().prefix()),
        config.network());
    usedLease = Optional.of(lease);
    table.setOwn(lease);
    lookAt = clock.instant(); // packets may leave with another source address
  }

  private void giveBack(RuntimeException failure) {
    try {
      keeper.releaseIfFresh();
    } catch (LeaseStoreException e) {
      failure.addSuppressed(e);
    }
  }

  private List<String> allProblems() {
    List<String> all = new ArrayList<>();
    keeper.problem().ifPresent(all::add);
    all.addAll(link.problems());
    all.addAll(table.problems());
    all.addAll(strays());
    all.addAll(problems.list());
    return List.copyOf(all);
  }

  /** What this host's name or containers still hold from another life. */
  private List<String> strays() {
    Lease own = keeper.lease();
    List<String> strays = new ArrayList<>();
    for (Lease lease : table.leases()) {
      if (lease.host().equals(config.host()) && !lease.subnet().equals(own.subnet())) {
        strays.add(
            "The store has a second lease of this host, "
                + lease.subnet()
                + ", that nobody uses; remove it if no other machine has this host's name.");
      }
    }
    for (Endpoint endpoint : endpoints.values()) {
      if (!own.subnet().prefix().contains(endpoint.address())) {
        strays.add(
            "The container "
                + endpoint.address().getHostAddress()
                + " has an address outside this host's subnet "
                + own.subnet()
                + ", so that others cannot reach it; detach and attach it anew.");
      }
    }
    config
        .subnet()
        .filter(wanted -> !wanted.equals(own.subnet().prefix()))
        .ifPresent(wanted ->
            strays.add(
                "This host holds "
                    + own.subnet()
                    + " though its configuration asks for "
                    + wanted
                    + "; leave the overlay and start again to change it."));
    return strays;
  }

  private void checkMtu() {
    int mtuBytes = datapath.overlayMtuBytes();
    int smallestBytes =
        config.network().isIpv4() ? SMALLEST_MTU_IPV4_BYTES : SMALLEST_MTU_IPV6_BYTES;
    if (mtuBytes < smallestBytes) {
      throw new IllegalStateException(
          "The underlay interface leaves containers an MTU of "
              + mtuBytes
              + " bytes, and at least "
              + smallestBytes
              + " are needed; raise the underlay interface's MTU.");
    }
  }

  /** The kernel's rule (IFNAMSIZ is 16 with the final zero). */
  private static void checkInterfaceName(String name) {
    if (name.isEmpty() || name.length() > 15 || !name.matches("[!-~&&[^/:]]+") || isDots(name)) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" cannot be an interface's name: use 1 to 15 printable characters without space,"
              + " slash and colon.");
    }
  }

  private static boolean isDots(String name) {
    return name.equals(".") || name.equals("..");
  }

  private static String key(InetAddress address) {
    return address.getHostAddress();
  }
}
