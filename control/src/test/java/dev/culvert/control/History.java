// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Assertions;

/**
 * What happens to some dozens of machines and their store, from one seed: all of it on one thread
 * and by a clock of its own, so that the same seed is the same history.
 *
 * <p>What must hold is looked at after each turn of each machine. Two things that no design of ours
 * promises are left out: the store is not wiped or taken away while somebody is frozen, who could
 * neither write again nor ask.
 */
final class History {
  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final Duration TICK = Duration.ofSeconds(1);
  static final Instant BEGIN = Instant.parse("2026-11-23T12:00:00Z");

  /**
   * After the last fault: leases of the dead end, vanished ones are forgotten, and whoever was told
   * to wait has waited (a minute at most each).
   */
  private static final Duration BOUND = LEASE.multipliedBy(3).plus(Duration.ofMinutes(2));

  /**
   * How large a history is.
   *
   * @param machines more than the network has subnets for, so that they take each other's
   * @param network cut into subnets of 256 addresses
   * @param faultsFor how long things go wrong
   */
  record Size(int machines, String network, Duration faultsFor) {}

  private final long seed;
  private final Size size;
  private final Random random;
  private final HistoryStore store;
  private final List<HistoryMachine> machines = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private Duration elapsed = Duration.ofDays(3);
  private Duration turnsAt = elapsed;
  private Duration outageUntil = Duration.ZERO;
  private boolean starting;

  History(long seed, Size size, HistoryStore.Backend backend) {
    this.seed = seed;
    this.size = size;
    this.random = new Random(seed);
    this.store = new HistoryStore(backend, () -> elapsed);
    for (int i = 1; i <= size.machines(); i++) {
      machines.add(machine(i));
    }
  }

  private HistoryMachine machine(int number) {
    OverlayConfig config =
        OverlayConfig.builder(
                new HostName("host-%02d".formatted(number)),
                IpPrefix.parseAddress("10.17.0." + number))
            .network(
                new OverlayConfig.Network(IpPrefix.parse(size.network()), 24, Optional.empty()))
            .leaseDuration(LEASE)
            .build();
    TimeSource time =
        new TimeSource() {
          @Override
          public Instant wallTime() {
            return BEGIN.plus(elapsed).plus(machines.get(number - 1).ahead);
          }

          @Override
          public Duration elapsed() {
            return elapsed;
          }

          @Override
          public void pause(Duration length) {
            pass(length);
          }
        };
    return new HistoryMachine(config, store.view(), time);
  }

  /** Lets it all happen. */
  void run() {
    try {
      Duration end = elapsed.plus(size.faultsFor());
      while (elapsed.compareTo(end) < 0) {
        somethingHappens();
        pass(TICK);
      }
      settle();
    } catch (AssertionError e) {
      throw new AssertionError(
          "seed " + seed + ": " + e.getMessage() + "; before that:\n" + String.join("\n", tail()),
          e);
    }
  }

  private List<String> tail() {
    return log.subList(Math.max(0, log.size() - 25), log.size());
  }

  /** What happened, in order. */
  List<String> log() {
    return List.copyOf(log);
  }

  private void say(String what) {
    log.add("%5d s: %s".formatted(elapsed.minusDays(3).toSeconds(), what));
  }

  /** Time passes, also while a machine that starts waits for the others. */
  private void pass(Duration length) {
    elapsed = elapsed.plus(length);
    if (elapsed.compareTo(outageUntil) >= 0 && !store.isWell()) {
      say("the store is back");
      store.setAway(false);
      store.setReadOnly(false);
    }
    if (elapsed.minus(turnsAt).compareTo(TICK) >= 0) {
      turnsAt = elapsed;
      machines.forEach(this::turn);
    }
  }

  private void turn(HistoryMachine machine) {
    if (!machine.isRunning() || machine.isFrozen(elapsed)) {
      return;
    }
    machine.turn();
    for (HistoryMachine other : machines) {
      if (other != machine && other.isRunning() && !other.isFrozen(elapsed) && other.hadTurn()) {
        HistoryInvariants.sharing(forwards(machine), forwards(other)).ifPresent(Assertions::fail);
      }
    }
  }

  private static Map.Entry<HostName, Set<Subnet>> forwards(HistoryMachine machine) {
    return Map.entry(machine.name, machine.forwards());
  }

  private void somethingHappens() {
    HistoryMachine machine = machines.get(random.nextInt(machines.size()));
    if (!machine.isRunning()) {
      start(machine);
      return;
    }
    if (machine.isFrozen(elapsed)) {
      return;
    }
    switch (random.nextInt(12)) {
      case 0, 1 -> freeze(machine);
      case 2 -> {
        say(machine.name + " is killed");
        machine.kill();
      }
      case 3 -> {
        say(machine.name + " is made anew");
        machine.reinstall();
      }
      case 4 -> {
        say(machine.name + " leaves");
        machine.leave();
      }
      case 5 -> setClock(machine);
      case 6 -> harmStore();
      default -> {} // a quiet second
    }
  }

  private void start(HistoryMachine machine) {
    if (starting) {
      return;
    }
    starting = true;
    machine.start();
    say(machine.name + (machine.isRunning() ? " starts" : " is refused"));
    starting = false;
  }

  private void freeze(HistoryMachine machine) {
    if (!store.isSettled()) {
      return;
    }
    Duration length = Duration.ofSeconds(1 + random.nextInt(3 * (int) LEASE.toSeconds()));
    say(machine.name + " is frozen for " + length.toSeconds() + " s");
    machine.freeze(elapsed.plus(length));
  }

  private void setClock(HistoryMachine machine) {
    Duration by = Duration.ofSeconds(random.nextInt(400_000) - 200_000);
    say("the clock of " + machine.name + " is set by " + by.toSeconds() + " s");
    machine.ahead = machine.ahead.plus(by);
  }

  private void harmStore() {
    boolean frozen = machines.stream().anyMatch(machine -> machine.isFrozen(elapsed));
    if (frozen || !store.isWell() || !store.isSettled()) {
      return;
    }
    int seconds = 1 + random.nextInt(3 * (int) LEASE.toSeconds());
    switch (random.nextInt(3)) {
      case 0 -> {
        say("the store is wiped");
        store.wipe();
      }
      case 1 -> {
        say("the store is away for " + seconds + " s");
        store.setAway(true);
        outageUntil = elapsed.plusSeconds(seconds);
      }
      default -> {
        say("the store is read-only for " + seconds + " s");
        store.setReadOnly(true);
        outageUntil = elapsed.plusSeconds(seconds);
      }
    }
  }

  /** Nothing goes wrong any more: in the end every table is as the store. */
  private void settle() {
    outageUntil = elapsed;
    machines.forEach(machine -> machine.freeze(elapsed));
    pass(TICK);
    for (HistoryMachine machine : machines) {
      if (!machine.isRunning()) {
        start(machine);
      }
    }
    Duration end = elapsed.plus(BOUND);
    while (elapsed.compareTo(end) < 0) {
      pass(TICK);
    }
    List<Lease> held = store.list();
    for (HistoryMachine machine : machines) {
      if (machine.isRunning()) {
        HistoryInvariants.difference(held, machine).ifPresent(Assertions::fail);
      }
    }
  }
}
