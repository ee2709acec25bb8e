// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * All state of one overlay. Called by the overlay's thread alone; what other threads have to say
 * (the store's events, the kernel's notifications) arrives through the mailbox.
 */
final class OverlayCore {
  /** Kernel notifications come in bursts; one look answers them all. */
  private static final Duration COALESCE = Duration.ofMillis(50);

  /** How often the datapath is read back, in case somebody else changed its tables. */
  private static final Duration AUDIT_PERIOD = Duration.ofSeconds(30);

  /**
   * How often the datapath looks after what it made: not every change is told, such as a program
   * taken off an interface.
   */
  private static final Duration KEEP_PERIOD = Duration.ofSeconds(5);

  /** How soon a change of the network is seen. */
  private static final Duration AGREE_PERIOD = Duration.ofSeconds(5);

  private final OverlayConfig config;
  private final Datapath datapath;
  private final SteadyClock clock;
  private final Wakefulness wakefulness;
  private final Consumer<Runnable> mailbox;
  private final OverlayTable table;
  private final Changeover changeover;
  private final NetworkAgreement agreement;
  private final Leases leases;
  private final StoreLink link;
  private final Remembering remembering;
  private final ClockDifferences clocks = new ClockDifferences();
  private final Problems problems;
  private final LocalContainers containers;
  private final EventFeed feed;
  private AutoCloseable networkWatch = () -> {};
  private final AtomicBoolean networkLookQueued = new AtomicBoolean();
  private Instant lookAt = Instant.MAX;
  private Instant auditAt = Instant.MAX;
  private Instant keepAt = Instant.MAX;
  private Instant agreeAt = Instant.MAX;
  private Optional<Vtep> usedVtep = Optional.empty();
  private volatile Optional<Supplier<OverlayStatus>> standing = Optional.empty();

  /** What the process after this one will find: see {@link LastWord}. */
  private String left = "";

  /** What it works on. */
  record Surroundings(LeaseStore store, Datapath datapath, SteadyClock clock) {}

  OverlayCore(OverlayConfig config, Surroundings surroundings, Consumer<Runnable> mailbox) {
    LeaseStore store = surroundings.store();
    this.config = config;
    this.datapath = surroundings.datapath();
    this.clock = surroundings.clock();
    this.wakefulness = new Wakefulness(clock.instant());
    this.mailbox = mailbox;
    this.table =
        new OverlayTable(
            new OverlayTable.Settings(
                config.host(),
                config.vni(),
                config.networks().stream().map(OverlayConfig.Network::prefix).toList(),
                config.directRouting(),
                config.leaseDuration()));
    this.changeover = new Changeover(config, datapath);
    this.agreement = new NetworkAgreement(config, store, changeover);
    this.leases = new Leases(new LeaseKeeper.Context(config, store, clock, agreement));
    this.containers = new LocalContainers(config.vni(), datapath, leases, this::tellContainers);
    this.remembering = new Remembering(config.memory(), clock);
    this.problems = new Problems(config.host());
    this.link = new StoreLink(store, event -> mailbox.accept(() -> accept(event)));
    this.feed = new EventFeed("culvert-events-" + config.host());
  }

  /** Joins the overlay; if that fails, leases that were not held before are given back. */
  void start() {
    checkMtu();
    Instant now = clock.instant();
    Datapath.State state = datapath.read();
    Optional<Identity> before = datapath.identity();
    FormerSettings.require(config, datapath, before, state);
    table.setFound(state);
    containers.adopt(state);
    leases.obtain(state, before, datapath.remembered().map(this::lastWord).orElse(Map.of()), now);
    table.setWays(changeover.ways());
    if (leases.isFromMemory()) {
      recallOthers(now);
    }
    try {
      useLeases();
      containers.adopt(datapath.read()); // where the tables were lost, by their interfaces
      networkWatch = datapath.watch(this::networkChanged);
    } catch (Throwable e) { // an Error, too, leaves nothing behind
      leases.giveBack(e);
      throw e;
    }
    auditAt = now.plus(AUDIT_PERIOD);
    keepAt = now.plus(KEEP_PERIOD);
    agreeAt = now.plus(AGREE_PERIOD);
    lookAt = now; // containers may have ended while nobody looked
    doWork();
  }

  /** As if the store had told of them; what it tells when it is back takes their place. */
  private void recallOthers(Instant now) {
    config
        .memory()
        .flatMap(LeaseMemory::recall)
        .ifPresent(known -> table.accept(new LeaseEvent.Snapshot(0, known.leases()), now));
  }

  /** Does all that is due. Never throws: what fails is shown in {@link #status} and tried again. */
  void doWork() {
    beat();
    Instant now = clock.instant();
    if (leases.isFenced()) {
      // Before the store is asked, which may take its time.
      problems.guard("Writing the datapath", () -> reconcile(now));
    }
    for (LeaseKeeper keeper : leases.keepers()) {
      String task = "Keeping the lease of " + keeper.lease().subnet();
      problems.guard(task, () -> keeper.doWork(now));
    }
    problems.guard("Taking another subnet", () -> moveOn(now));
    if (!usedVtep.equals(Optional.of(leases.vtep())) || problems.has(Problems.START)) {
      problems.guard(Problems.START, this::useLeases);
    }
    if (link.doWork(now)) {
      table.restartEvents();
    }
    if (!now.isBefore(auditAt)) {
      auditAt = now.plus(AUDIT_PERIOD);
      problems.guard("Reading the datapath", this::audit);
    }
    if (!now.isBefore(agreeAt)) {
      agreeAt = now.plus(AGREE_PERIOD);
      if (link.isConnected()) {
        problems.guard("Looking at the network in the store", this::agree);
      }
    }
    if (!now.isBefore(lookAt)) {
      lookAt = Instant.MAX;
      lookAtNetwork();
    }
    if (!now.isBefore(keepAt)) {
      keep();
    }
    if (!table.unknownNextHops().isEmpty()) {
      problems.guard("Asking for routes", () -> lookUp(table.unknownNextHops()));
    }
    problems.guard("Writing the datapath", () -> reconcile(now));
    if (changeover.isUnderWay() && link.isConnected()) {
      problems.guard("Following the change of the network", () -> changeOver(now));
    }
    if (link.isConnected() && table.isSynced() && !leases.isFromMemory()) {
      problems.guard(
          "Writing the snapshot",
          () -> remembering.update(leases.unfenced(), agreement.agreed(), table::leases, now));
    }
    List<String> all = allProblems(false);
    problems.logNews(all);
    tell(standing(all));
  }

  /** The overlay's thread lives: called at each turn, and while it waits for the store. */
  void beat() {
    Instant now = clock.instant();
    if (wakefulness.beat(now)) {
      leases.slept(now);
    }
    SortedMap<IpPrefix, Instant> sure = leases.sureUntil(now);
    if (!sure.isEmpty()) {
      problems.guard(
          "Leaving a word for the next agent", () -> leaveWord(LastWord.of(sure, clock)));
    }
  }

  private void leaveWord(String word) {
    if (!word.equals(left)) {
      datapath.remember(word);
      left = word;
    }
  }

  private Map<IpPrefix, Instant> lastWord(String word) {
    return LastWord.parse(word, clock);
  }

  /** What the overlay's thread is at, or nothing. Any thread may ask. */
  String task() {
    return problems.current();
  }

  /** When {@link #doWork} has something to do though no message came. */
  Instant nextDeadline() {
    Instant now = clock.instant();
    return List.of(
            leases.nextDeadline(),
            link.nextDeadline(),
            lookAt,
            auditAt,
            keepAt,
            agreeAt,
            changeover.nextDeadline(),
            table.nextDeadline(now).orElse(Instant.MAX))
        .stream()
        .min(Instant::compareTo)
        .orElseThrow();
  }

  OverlayStatus status() {
    return standing(allProblems(true)).get();
  }

  /**
   * As of the last {@link #doWork}, but for the tables, which are as they are. Any thread may ask.
   */
  OverlayStatus lastStatus() {
    return standing.map(Supplier::get).orElse(null);
  }

  /** Other hosts' subnets are listed by whoever asks: there may be many, and nobody may ask. */
  private Supplier<OverlayStatus> standing(List<String> allProblems) {
    List<Lease> held = leases.list();
    Set<Subnet> fenced = leases.fenced();
    List<Endpoint> endpoints = containers.list();
    boolean connected = link.isConnected();
    long revision = Math.max(0, table.revision());
    List<String> pending = table.pending();
    return () ->
        new OverlayStatus(
            held, fenced, table.remotes(), endpoints, connected, revision, pending, allProblems);
  }

  LocalContainers containers() {
    return containers;
  }

  /** From now on that is told of every change, beginning with how things stand. */
  Subscriber subscribe(Consumer<OverlayEvent> receiver) {
    OverlayStatus now = status();
    tell(() -> now);
    feed.begin(now);
    return feed.subscribe(receiver);
  }

  /** The rest of the status is found out once in each turn. */
  private void tellContainers() {
    standing.ifPresent(before -> {
      List<Endpoint> endpoints = containers.list();
      tell(() -> before.get().withEndpoints(endpoints));
    });
  }

  private void tell(Supplier<OverlayStatus> now) {
    Set<Endpoint> detached = containers.takeDetached();
    if (feed.isHeard()) {
      OverlayStatus status = now.get();
      feed.publish(status, detached);
      standing = Optional.of(() -> status);
    } else {
      standing = Optional.of(now);
    }
  }

  void moveTo(InetAddress underlayAddress) {
    for (OverlayConfig.Network network : config.networks()) {
      OverlayConfig.checkUnderlay(network.prefix(), underlayAddress);
    }
    if (IpFamily.of(underlayAddress) != IpFamily.of(leases.vtep().address())) {
      throw new RefusedException(
          "This host's underlay address "
              + IpAddresses.text(leases.vtep().address())
              + " cannot become "
              + IpAddresses.text(underlayAddress)
              + ", which is of another IP family than the other hosts'.");
    }
    leases.moveTo(underlayAddress, clock.instant());
  }

  void attachBridge(InterfaceName bridge) {
    datapath.attachBridge(bridge, leases.subnets());
    audit(); // the datapath knows the bridge's index now
  }

  void detachBridge(InterfaceName bridge) {
    datapath.detachBridge(bridge);
    audit();
  }

  /** Removes all that was made on this host even when the store cannot be told. */
  void leave() {
    RuntimeException storeFailure = null;
    try {
      leases.release();
    } catch (LeaseStoreException e) {
      storeFailure = e;
    }
    problems.guard("Removing the snapshot", remembering::forget);
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
    feed.end();
    link.close();
    try {
      networkWatch.close();
    } catch (Exception e) {
      problems.log("The watch of the host's network did not close: " + e);
    }
  }

  private void accept(LeaseEvent event) {
    Instant now = clock.instant();
    boolean atOnce = link.isSettled(now); // after an outage renewals are heard late
    link.heard(event, now);
    if (event instanceof LeaseEvent.Announced(long _, Lease lease)
        && atOnce
        && !lease.host().equals(config.host())
        && table.isRenewal(lease)) {
      clocks.heard(lease, now);
    }
    table.accept(event, now);
    leases.accept(event, now);
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
    problems.guard("Removing containers that ended", containers::removeVanished);
    keep();
  }

  private void keep() {
    keepAt = clock.instant().plus(KEEP_PERIOD);
    problems.guard(
        "Following the underlay",
        () -> {
          if (datapath.refresh()) {
            table.setActual(datapath.read());
          }
        });
  }

  private void audit() {
    Datapath.State state = datapath.read();
    table.setActual(state);
    containers.adopt(state);
    lookAt = clock.instant();
  }

  private void reconcile(Instant now) {
    table.setOwn(leases.list(), leases.fenced());
    table.keepLost(leases.lostBy(), leases.keepLostUntil());
    List<Change> changes = table.changes(judgement(now));
    if (!changes.isEmpty()) {
      table.applied(changes, datapath.apply(changes), now);
    }
  }

  private void agree() {
    if (agreement.audit()) {
      table.setWays(changeover.ways());
    }
  }

  private void changeOver(Instant now) {
    switch (changeover.work(now, table.peers(judgement(now)), this::useLeases)) {
      case NOTHING -> {}
      case TELL -> leases.tell(now);
      case REWRITE -> {
        table.setWays(changeover.ways());
        reconcile(now);
      }
    }
  }

  private Judgement judgement(Instant now) {
    Optional<Instant> proven =
        link.isSettled(now) && leases.isStoreSettled(now)
            ? Stream.of(leases.wroteAt(), link.changedAt())
                .flatMap(Optional::stream)
                .max(Instant::compareTo)
            : Optional.empty();
    return new Judgement(now, clock.wall(), proven);
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
                "the way to " + IpAddresses.text(address) + " is not known: " + e.getMessage(), e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Without containers there is no reason to wait for a subnet that another host has. */
  private void moveOn(Instant now) {
    for (LeaseKeeper keeper : leases.keepers()) {
      if (keeper.moveOn(isUsed(keeper.lease().subnet()), now)) {
        usedVtep = Optional.empty(); // the gateway is another
      }
    }
  }

  private boolean isUsed(Subnet subnet) {
    return table.hasBridge(subnet)
        || containers.list().stream()
            .flatMap(endpoint -> endpoint.addresses().stream())
            .anyMatch(address -> subnet.prefix().contains(address));
  }

  private void useLeases() {
    datapath.start(config.vni(), leases.vtep(), leases.gateways());
    usedVtep = Optional.of(leases.vtep());
    table.setOwn(leases.list(), leases.fenced());
    lookAt = clock.instant(); // packets may leave with another source address
  }

  private List<String> allProblems(boolean exact) {
    List<String> all = new ArrayList<>();
    all.addAll(leases.problems());
    all.addAll(agreement.problems(leases.list()));
    all.addAll(link.problems(exact));
    all.addAll(table.problems());
    Judgement judgement = judgement(clock.instant());
    all.addAll(clocks.sentences(judgement));
    all.addAll(new Overdue(table, clocks, judgement).sentences());
    lost(judgement.now()).ifPresent(all::add);
    all.addAll(table.sharedVteps());
    all.addAll(Strays.find(config, leases, table.namesakes(), containers.list()));
    all.addAll(datapath.problems());
    all.addAll(problems.list());
    return List.copyOf(all);
  }

  private Optional<String> lost(Instant now) {
    int count = table.lingering(now).size();
    if (!now.isBefore(leases.keepLostUntil()) || count == 0) {
      return Optional.empty();
    }
    return Optional.of(
        "The lease store lost this host's lease and "
            + count
            + " of other hosts, which have not written theirs again: packets are sent there as"
            + " before; is it the store that it was?");
  }

  private void checkMtu() {
    int mtuBytes = datapath.overlayMtuBytes(config.underlayAddress());
    int smallestBytes =
        config.networks().stream()
            .mapToInt(network -> network.prefix().family().leastMtuBytes())
            .max()
            .orElseThrow();
    if (mtuBytes < smallestBytes) {
      throw new RefusedException(
          "The underlay interface leaves containers an MTU of "
              + mtuBytes
              + " bytes, and at least "
              + smallestBytes
              + " are needed; raise the underlay interface's MTU.");
    }
  }
}
