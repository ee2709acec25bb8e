// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.InterfaceExistsException;
import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.datapath.OutsideSubnetException;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The facade: one host's part in the overlay. Methods may be called from any thread; each is
 * carried out on the one thread that owns the state, and returns when it is done.
 *
 * <pre>{@code
 * try (Overlay overlay = Overlay.start(config, store, datapath)) {
 *   overlay.attach(Path.of("/run/netns/container-1"), "eth0", Optional.empty());
 * }
 * }</pre>
 *
 * <p>Store and datapath stay the caller's: close them after the overlay. Several overlays in one
 * JVM are fine, also on one store.
 *
 * <p>Errors of a call are exceptions of that call, and the overlay works on: {@link
 * LeaseStoreException} from the store, what the datapath throws, {@link RefusedException} for what
 * cannot be, or cannot be now, {@link IllegalStateException} after {@link #close}, {@link
 * NullPointerException} with the name of a parameter that is null; {@link OverlayBusyException}
 * when a store or the kernel holds the overlay up for longer than {@link OverlayConfig#timeouts}
 * say: no call waits without end, and what was not begun then is not done later. What fails in the
 * background is in {@link OverlayStatus#problems()} and {@link OverlayStatus#pending()}, logged
 * once, and tried again; whatever a store or datapath throws, hangs at or leaves on the overlay's
 * thread, the overlay lives on.
 */
public final class Overlay implements AutoCloseable {
  /** Whoever asks how things stand is told in any case, if need be how they stood. */
  private static final Duration STATUS_PATIENCE = Duration.ofMillis(500);

  /** Who is told of events, and can end that. */
  public interface Subscription extends AutoCloseable {
    /** No event is told from now on; one that is being told may not be over yet. Never waits. */
    @Override
    void close();
  }

  private final Mailbox mailbox;
  private final GuardedStore store;
  private final OverlayCore core;
  private final Timeouts timeouts;
  private final Datapath datapath;

  private Overlay(OverlayConfig config, LeaseStore store, Datapath datapath, TimeSource time) {
    SteadyClock clock = new SteadyClock(time);
    this.timeouts = config.timeouts();
    this.datapath = datapath;
    this.mailbox = new Mailbox("overlay of " + config.host());
    this.store = new GuardedStore(store, "culvert-store-" + config.host(), this::beat);
    this.core =
        new OverlayCore(
            config, new OverlayCore.Surroundings(this.store, datapath, clock), mailbox::post);
    mailbox.start(
        "culvert-overlay-" + config.host(),
        new Mailbox.Work(core::doWork, core::nextDeadline, core::task),
        clock);
  }

  /**
   * Leases a subnet in each network (the one held before, if there is one), makes this host a
   * tunnel end, and follows the store. Other hosts' subnets appear as the store tells of them, so
   * not necessarily before this returns.
   *
   * <p>If the store does not answer, but the datapath still has this host's subnet from before, the
   * overlay starts with that and waits for the store.
   *
   * @param config what this host must know
   * @param store asked from a thread of the overlay's own; the caller closes it, after the overlay
   * @param datapath called from the overlay's thread alone; the caller closes it, after the overlay
   * @return the caller's to close
   * @throws LeaseStoreException when the store does not answer and the datapath has nothing
   * @throws TakenException when another overlay works on this datapath
   * @throws RefusedException when no subnet is free, the wanted one is taken, the underlay's MTU is
   *     too small, or containers are attached with another VNI, network, subnet length or port
   * @throws OverlayBusyException when store or kernel take more than {@link Timeouts#start}
   */
  public static Overlay start(OverlayConfig config, LeaseStore store, Datapath datapath) {
    Objects.requireNonNull(config, "config");
    Objects.requireNonNull(store, "store");
    Objects.requireNonNull(datapath, "datapath");
    return start(config, store, datapath, TimeSource.system());
  }

  /**
   * As the other {@code start}, with clocks of the caller's. All times of the overlay come from
   * them.
   *
   * @param config what this host must know
   * @param store as for the other
   * @param datapath as for the other
   * @param time asked from the overlay's thread
   * @return the caller's to close
   */
  public static Overlay start(
      OverlayConfig config, LeaseStore store, Datapath datapath, TimeSource time) {
    Objects.requireNonNull(config, "config");
    Objects.requireNonNull(store, "store");
    Objects.requireNonNull(datapath, "datapath");
    Objects.requireNonNull(time, "time");
    DatapathsInUse.claim(datapath, config.host());
    Overlay overlay = new Overlay(config, store, datapath, time);
    try {
      overlay.run("starting", config.timeouts().start(), overlay.core::start);
      overlay.mailbox.ready();
      return overlay;
    } catch (RuntimeException | Error e) {
      overlay.closeAfter(e);
      throw e;
    }
  }

  private void beat() {
    core.beat();
  }

  private void closeAfter(Throwable failure) {
    try {
      close();
    } catch (OverlayBusyException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * What is so now, within a second. Where the overlay's thread is held up for longer, what was so
   * before that, with a problem that says so. Reads no kernel tables.
   *
   * @return immutable
   */
  public OverlayStatus status() {
    try {
      return mailbox.call(Question.of("the status", STATUS_PATIENCE, core::status));
    } catch (OverlayBusyException e) {
      OverlayStatus earlier = core.lastStatus();
      List<String> problems = new ArrayList<>();
      problems.add(mailbox.busy() + "; this is how things stood before.");
      problems.addAll(earlier.problems());
      return earlier.withProblems(problems);
    }
  }

  /**
   * Tells of what changes from now on, in order, beginning with an {@link OverlayEvent.Snapshot}:
   * of other hosts, problems, lost leases and containers, whoever or whatever changed them. Each
   * event is told when {@link #status} says it.
   *
   * @param subscriber called for one event at a time, on a thread of its own (a daemon, {@code
   *     culvert-events-HOST}). It may take its time, and call this overlay; what it throws is
   *     logged, and it is told of what comes next. Who is more than 10,000 events behind gets a
   *     snapshot instead ({@link OverlayEvent.Snapshot#missed}).
   * @return the caller's to close; the end of the overlay ends it too, once all has been told
   * @throws OverlayBusyException as every call
   */
  public Subscription subscribe(Consumer<OverlayEvent> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    return mailbox.call(
        new Question<>(
            "subscribing",
            timeouts.call(),
            () -> core.subscribe(subscriber),
            Optional.of(Subscriber::close)));
  }

  /**
   * {@return for how long the overlay's thread has been held up by what it is at: next to nothing,
   * where all is well} For watchdogs; never waits.
   */
  public Duration busyFor() {
    return mailbox.busyFor();
  }

  /**
   * Gives a container an interface and an address of each of this host's subnets: the wanted one,
   * or the lowest that is free. A subnet whose lease is lost gives none.
   *
   * <p>Asked again for an interface that is in the overlay already, also by a process before this
   * one, it changes nothing and answers with what is there. No address or label in the question is
   * content with any.
   *
   * @param container the namespace, what the interface is called there (usually {@code eth0}), and
   *     a label that is kept with it
   * @param wanted at most one of each IP family
   * @return the interface and its addresses, IPv4 first
   * @throws NoSuchContainerException when there is no such namespace
   * @throws InterfaceExistsException when the namespace has an interface of that name that is not
   *     in this overlay, or has another address or label than was asked for
   * @throws TakenException when the wanted address is a container's or the subnet's own
   * @throws OutsideSubnetException when the wanted address is in no subnet of this host
   * @throws PoolExhaustedException when no address is free
   * @throws RefusedException for anything else that cannot be, or cannot be now, such as that this
   *     host lost its leases
   */
  public Endpoint attach(ContainerEnd container, List<InetAddress> wanted) {
    Objects.requireNonNull(container, "container");
    Objects.requireNonNull(wanted, "wanted");
    return attach("attaching " + container, () -> core.containers().attach(container, wanted));
  }

  /**
   * As the other {@code attach}, without a label.
   *
   * @param netns such as {@code /run/netns/NAME} or {@code /proc/PID/ns/net}
   * @param interfaceName the container's end, usually {@code eth0}
   * @param wanted at most one of each IP family
   * @return the interface and its addresses, IPv4 first
   * @throws RefusedException as the other does
   */
  public Endpoint attach(Path netns, InterfaceName interfaceName, List<InetAddress> wanted) {
    Objects.requireNonNull(wanted, "wanted");
    return attach(new ContainerEnd(netns, interfaceName), wanted);
  }

  /**
   * As the other {@code attach}, with one wanted address or none.
   *
   * @param netns such as {@code /run/netns/NAME} or {@code /proc/PID/ns/net}
   * @param interfaceName the container's end, usually {@code eth0}
   * @param wanted of either family; empty for the lowest that are free
   * @return the interface and its addresses, IPv4 first
   * @throws RefusedException as the other does
   */
  public Endpoint attach(Path netns, InterfaceName interfaceName, Optional<InetAddress> wanted) {
    Objects.requireNonNull(wanted, "wanted");
    return attach(netns, interfaceName, wanted.stream().toList());
  }

  /**
   * Takes a container's interface away, with all of its addresses; one that is gone already is no
   * error.
   *
   * @param address any of its addresses
   */
  public void detach(InetAddress address) {
    Objects.requireNonNull(address, "address");
    run(
        "detaching " + IpAddresses.text(address),
        timeouts.call(),
        () -> core.containers().detach(address));
  }

  /**
   * Tells that this host has another underlay address, of the same IP family. The lease says so as
   * soon as the store takes it; then this host sends from there, and the other hosts follow. Until
   * then all stays as it was, and {@link #status} shows what hinders it.
   *
   * @param underlayAddress an address of this host, outside the overlay's networks
   * @throws RefusedException for an address that no host can have
   */
  public void moveTo(InetAddress underlayAddress) {
    Objects.requireNonNull(underlayAddress, "underlayAddress");
    run(
        "moving to " + IpAddresses.text(underlayAddress),
        timeouts.call(),
        () -> core.moveTo(underlayAddress));
  }

  /**
   * Lets a container in by the veth pair that somebody else made for it, with the address that it
   * has in this host's subnet. {@link #detach} leaves the pair as it was. One that is in already is
   * answered as it is.
   *
   * @param container the namespace, the container's end of the pair, and a label that is kept
   * @return the interface and its address
   * @throws NoSuchContainerException when there is no such namespace, or no such interface in it
   * @throws OutsideSubnetException when it has no address in this host's subnet, or more than one
   * @throws InterfaceExistsException when it is in already with another label than was asked for
   * @throws TakenException when its address is another container's
   * @throws RefusedException when it is no such pair
   */
  public Endpoint attachExisting(ContainerEnd container) {
    Objects.requireNonNull(container, "container");
    return attach("attaching " + container, () -> core.containers().attachExisting(container));
  }

  /**
   * As the other {@code attachExisting}, without a label.
   *
   * @param netns the container's namespace
   * @param interfaceName the container's end
   * @return the interface and its address
   * @throws RefusedException as the other does
   */
  public Endpoint attachExisting(Path netns, InterfaceName interfaceName) {
    return attachExisting(new ContainerEnd(netns, interfaceName));
  }

  /**
   * Lets the containers of a bridge that somebody else made into the overlay.
   *
   * @param bridge such as {@code docker0}
   * @throws RefusedException when there is no such bridge
   */
  public void attachBridge(InterfaceName bridge) {
    Objects.requireNonNull(bridge, "bridge");
    run("attaching " + bridge, timeouts.call(), () -> core.attachBridge(bridge));
  }

  /**
   * Takes a bridge out of the overlay again; the bridge itself stays.
   *
   * @param bridge one that was attached; that it is gone is no error
   * @throws RefusedException when it is there, and was not attached
   */
  public void detachBridge(InterfaceName bridge) {
    Objects.requireNonNull(bridge, "bridge");
    run("detaching " + bridge, timeouts.call(), () -> core.detachBridge(bridge));
  }

  /**
   * Leaves the network for good: releases the leases and removes everything that was made on this
   * host. A static lease was written by somebody else and stays. The overlay is closed afterwards.
   *
   * @throws LeaseStoreException when the lease could not be released; all else is done all the same
   */
  public void leave() {
    mailbox.stop(Question.order("leaving", timeouts.leave(), () -> end(core::leave)), () -> {});
  }

  /**
   * Stops the control plane alone: packets keep flowing, the lease stays. Does not wait for a store
   * that does not answer.
   *
   * @throws OverlayBusyException when something else holds the overlay's thread up for longer than
   *     {@link Timeouts#close}; the overlay ends as soon as it can
   */
  @Override
  public void close() {
    try {
      mailbox.stop(
          Question.order("closing", timeouts.close(), () -> end(core::stop)), store::giveUp);
    } catch (OverlayBusyException e) {
      mailbox.stopSoon(() -> end(core::stop));
      throw e;
    }
  }

  private void end(Runnable how) {
    try {
      how.run();
    } finally {
      DatapathsInUse.release(datapath);
    }
  }

  /** A container that was let in for a caller who has gone is taken out again. */
  private Endpoint attach(String what, Supplier<Attached> action) {
    return mailbox
        .call(
            new Question<>(
                what, timeouts.call(), action, Optional.of(late -> late.undo(core.containers()))))
        .endpoint();
  }

  private void run(String what, Duration limit, Runnable action) {
    Void _ = mailbox.call(Question.order(what, limit, action));
  }
}
