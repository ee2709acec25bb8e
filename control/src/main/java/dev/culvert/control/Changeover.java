// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Wire;
import dev.culvert.datapath.Wires;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How this host goes over to another port, VNI or encapsulation while packets flow. It takes both
 * kinds of packets before its leases say so; sends the new kind to each host whose lease says that
 * it takes it; says that it sends nothing else once that is true of all; and takes the old kind
 * until all others have said the same. Nobody waits for a clock: a host that is away holds the
 * others up, and loses no packet. Used by the overlay's thread alone.
 */
final class Changeover {
  /** For packets that were on their way when the last host said that it sends no more of them. */
  static final Duration GRACE = Duration.ofSeconds(5);

  /** How packets travel: what they bear, or bare where that goes. */
  record Way(Wire wire, boolean direct) {}

  /**
   * What the table goes by.
   *
   * @param number of the change that led from {@code former} to {@code now}; 0 for none
   * @param over whether nobody sends as before any more
   */
  record Ways(long number, Way now, Way former, boolean over) {
    /** How packets go to a host. */
    Way to(Lease.Stage stage) {
      return stage.accepts() >= number ? now : former;
    }

    /** Whether bare packets may come. */
    boolean mayComeBare() {
      return now.direct() || (!over && former.direct());
    }
  }

  /**
   * Where the others are.
   *
   * @param settled whether the tables are as they should be, by what the store says now
   * @param accept hosts that do not say yet that they take the new kind
   * @param send hosts that do not say yet that they send nothing else
   */
  record Peers(boolean settled, List<HostName> accept, List<HostName> send) {}

  /** What is to be done after {@link #work}. */
  enum Next {
    NOTHING,
    /** The leases say something else now. */
    TELL,
    /** The table goes by something else now. */
    REWRITE
  }

  private final OverlayConfig config;
  private final Datapath datapath;
  private Ways ways;
  private Lease.Stage stage = Lease.Stage.NONE;

  /** What this host's leases say. */
  private int port;

  private Optional<Instant> allSentSince = Optional.empty();
  private Optional<String> refusal = Optional.empty();
  private Peers last = new Peers(false, List.of(), List.of());

  Changeover(OverlayConfig config, Datapath datapath) {
    this.config = config;
    this.datapath = datapath;
    this.port = datapath.port();
    Way way = new Way(new Wire(port, config.vni()), config.directRouting());
    this.ways = new Ways(0, way, way, true);
  }

  /** The port that this host's leases say. */
  int port() {
    return port;
  }

  /** What this host's leases say of it. */
  Lease.Stage stage() {
    return stage;
  }

  Ways ways() {
    return ways;
  }

  /** Whether this host is between two kinds of packets. */
  boolean isUnderWay() {
    return !ways.over();
  }

  private Way way(NetworkSettings.Transport transport) {
    return new Way(
        new Wire(transport.port(), transport.vni().orElse(config.vni())),
        transport.directRouting());
  }

  private Ways ways(NetworkSettings settings) {
    Way now = way(settings.transport());
    Way former = settings.change().map(change -> way(change.former())).orElse(now);
    return new Ways(settings.number(), now, former, settings.number() == 0);
  }

  /**
   * At the start, before a lease is asked for: what others send already is taken from the first
   * packet on. The device stays as an earlier process left it.
   */
  void begin(NetworkSettings settings) {
    Ways wanted = ways(settings);
    Wire now = wanted.now().wire();
    Wire former = wanted.former().wire();
    if (!datapath.takesTwoWires()) {
      datapath.take(config.vni(), Wires.of(now));
    } else if (datapath.identity().isPresent() && datapath.port() == former.port()) {
      datapath.take(config.vni(), new Wires(former, now));
    } else {
      datapath.take(config.vni(), new Wires(now, former));
    }
    ways = wanted;
    port = now.port();
    stage = new Lease.Stage(wanted.number(), 0);
  }

  /**
   * While packets flow. What this host sends stays as it is.
   *
   * @return whether it goes over to them
   */
  boolean follow(NetworkSettings settings) {
    Ways wanted = ways(settings);
    if (!datapath.takesTwoWires()) {
      refusal =
          Optional.of(
              "The network changes from "
                  + settings.change().orElseThrow().former()
                  + " to "
                  + settings.transport()
                  + ", and this host's datapath cannot while it runs: all hosts go on sending to it"
                  + " as before; restart this agent to let it follow.");
      return false;
    }
    Wire now = wanted.now().wire();
    Wire former = wanted.former().wire();
    boolean there = datapath.port() == now.port();
    datapath.take(config.vni(), there ? new Wires(now, former) : new Wires(former, now));
    ways = wanted;
    allSentSince = Optional.empty();
    return true;
  }

  /**
   * One step, if it is time for one; called when the datapath's tables were written.
   *
   * @param restart makes the datapath's device anew
   */
  Next work(Instant now, Peers peers, Runnable restart) {
    last = peers;
    if (!isUnderWay() || !peers.settled()) {
      return Next.NOTHING;
    }
    long number = ways.number();
    if (stage.accepts() < number) {
      port = ways.now().wire().port();
      stage = new Lease.Stage(number, stage.sends());
      return Next.TELL;
    }
    if (stage.sends() < number) {
      if (!peers.accept().isEmpty()) {
        return Next.NOTHING;
      }
      if (datapath.port() != port) {
        datapath.take(config.vni(), new Wires(ways.now().wire(), ways.former().wire()));
        restart.run();
      }
      stage = new Lease.Stage(number, number);
      return Next.TELL;
    }
    if (!peers.send().isEmpty()) {
      allSentSince = Optional.empty();
      return Next.NOTHING;
    }
    allSentSince = allSentSince.or(() -> Optional.of(now));
    if (now.isBefore(allSentSince.get().plus(GRACE))) {
      return Next.NOTHING;
    }
    datapath.take(config.vni(), Wires.of(ways.now().wire()));
    ways = new Ways(number, ways.now(), ways.former(), true);
    return Next.REWRITE;
  }

  /** When {@link #work} has something to do though nothing was heard. */
  Instant nextDeadline() {
    return isUnderWay()
        ? allSentSince.map(since -> since.plus(GRACE)).orElse(Instant.MAX)
        : Instant.MAX;
  }

  Optional<String> problem() {
    if (refusal.isPresent() || !isUnderWay()) {
      return refusal;
    }
    List<HostName> missing = last.accept().isEmpty() ? last.send() : last.accept();
    return Optional.of(
        "The network changes from "
            + text(ways.former())
            + " to "
            + text(ways.now())
            + ": this host takes both until all hosts send the new alone"
            + (missing.isEmpty() ? "." : "; not yet: " + names(missing) + "."));
  }

  private static String names(List<HostName> hosts) {
    List<String> first = hosts.stream().limit(5).map(HostName::text).toList();
    int more = hosts.size() - first.size();
    return String.join(", ", first) + (more == 0 ? "" : " and " + more + " more");
  }

  private static String text(Way way) {
    return way.wire() + (way.direct() ? ", direct routing" : ", encapsulation");
  }
}
