// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.HistoryMember;
import dev.culvert.control.HostName;
import dev.culvert.datapath.Subnet;
import dev.culvert.lab.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A run: faults of a real etcd and of agents, one after the other as a seed says, and what must
 * hold looked at all along. Half of the time etcd has one member, then three; then come, in a world
 * of its own, the faults of an etcd that shows certificates and asks for passwords. Runs in a
 * network namespace that it has for itself, which {@link ChaosTest} makes.
 */
final class Chaos {
  /**
   * After the end of a fault: what was missed while the store was away is not held against anybody
   * for a minute, a lease and a half end, and whoever was told to wait has waited.
   */
  private static final Duration BOUND = Duration.ofSeconds(150);

  private static final Duration LOOK = Duration.ofMillis(300);

  /** So that both paths are warm, and what the fault before left is through. */
  private static final Duration CALM = Duration.ofMillis(500);

  /** A longer run has each fault of a secured etcd once in so many minutes. */
  private static final int SECURED_MINUTES = 10;

  private final String prefix;
  private final Path folder;
  private final Duration lasts;
  private final long seed;
  private final Path page;
  private final FaultTable table = new FaultTable();
  private final Lateness lateness = new Lateness();
  private final List<String> violations = new ArrayList<>();
  private final long beganNs = System.nanoTime();
  private Optional<World> current = Optional.empty();
  private long moments;
  private long acknowledged;

  private Chaos(String[] arguments) {
    this.prefix = arguments[0];
    this.folder = Path.of(arguments[1]);
    this.lasts = Duration.ofSeconds(Math.round(Double.parseDouble(arguments[2]) * 60));
    this.seed = Long.parseLong(arguments[3]);
    this.page = Path.of(arguments[4]);
  }

  /**
   * @param arguments the prefix of namespaces' names, a folder, minutes, the seed, and the file
   *     that the table goes to
   */
  public static void main(String[] arguments) {
    Chaos chaos = new Chaos(arguments);
    try {
      chaos.run();
    } catch (Exception e) { // or it would not end: see below
      e.printStackTrace(System.out);
      chaos.violations.add("the run itself failed: " + e.getMessage());
      System.out.println("FAILED: " + e.getMessage());
    }
    // Simulated agents that are frozen have threads which never end.
    System.out.flush();
    Runtime.getRuntime().halt(chaos.violations.isEmpty() ? 0 : 1);
  }

  private void run() throws IOException {
    say("seed %d, %.1f minutes".formatted(seed, lasts.toSeconds() / 60.0));
    try (World world = new World(prefix, folder.resolve("a"), World.Size.FULL, false)) {
      world.build();
      withPlainEtcd(world);
    }
    if (violations.isEmpty()) {
      say("etcd shows certificates, and asks for passwords");
      try (World world = new World(prefix, folder.resolve("b"), World.Size.SMALL, true)) {
        world.build();
        withSecuredEtcd(world);
      }
    }
    Files.writeString(page, page());
    System.out.println();
    System.out.println(table.text());
    say(counts());
    violations.forEach(violation -> System.out.println("VIOLATION: " + violation));
  }

  private void withPlainEtcd(World world) throws IOException {
    Faults faults = begin(world);
    for (int members : new int[] {1, 3}) {
      if (members != world.etcd.size() && world.violations().isEmpty()) {
        say("etcd is made anew, of three members");
        faults.wiped(members);
        var _ = world.awaitRight(BOUND);
      }
      Schedule schedule = new Schedule(seed, Fault.of(members));
      long partBeganNs = System.nanoTime(); // making a world takes its time on a busy machine
      do {
        round(world, faults, schedule);
      } while (System.nanoTime() - partBeganNs < lasts.toNanos() / 2
          && world.violations().isEmpty());
    }
    end(world);
  }

  private void withSecuredEtcd(World world) throws IOException {
    Faults faults = begin(world);
    Schedule schedule = new Schedule(seed, Fault.ofSecured());
    long rounds = Fault.ofSecured().size() * Math.max(1, lasts.toMinutes() / SECURED_MINUTES);
    for (long i = 0; i < rounds; i++) {
      round(world, faults, schedule);
    }
    end(world);
  }

  private Faults begin(World world) {
    current = Optional.of(world);
    var _ = world.awaitRight(BOUND);
    return new Faults(world);
  }

  private void end(World world) {
    current = Optional.empty();
    violations.addAll(world.violations());
    moments += world.forwarders.changes();
    acknowledged += world.acknowledged.count();
  }

  private String counts() {
    Traffic.Loss lived = table.lived();
    return "Seed %d: %d faults, %d moments looked at, %d leases acknowledged, %d of %d packets lost, %d violations"
        .formatted(
            seed,
            table.count(),
            moments + current.map(world -> world.forwarders.changes()).orElse(0L),
            acknowledged + current.map(world -> world.acknowledged.count()).orElse(0L),
            lived.lost(),
            lived.sent(),
            violations.size() + current.map(world -> world.violations().size()).orElse(0));
  }

  /** For the documentation; as of now, which is said as long as it is not the end. */
  private String page() {
    String minutes = String.valueOf(lasts.toSeconds() / 60.0).replaceAll("\\.0$", "");
    String soFar = current.map(_ -> "After " + elapsed().toMinutes() + " minutes. ").orElse("");
    return """
    # What faults did to hosts that lease from etcd

    Written by `./dev chaos --minutes %s --seed %d --table docs/etcd-faults.md`: %d hosts with agents,
    kernel tables and containers, %d simulated ones, etcd of one member for half of the time and of three then; at
    the end %d and %d, with certificates and passwords. Packets count on paths whose two hosts carried on, fifty a
    second; tables were looked at every 100 ms, after the fault's end.

    %s.

    %s\
    """
        .formatted(
            minutes,
            seed,
            World.REAL,
            World.Size.FULL.simulated(),
            World.REAL,
            World.Size.SMALL.simulated(),
            soFar + counts(),
            table.text());
  }

  private Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - beganNs);
  }

  private void say(String what) {
    System.out.printf("%5d s  %s%n", elapsed().toSeconds(), what);
  }

  /** Nothing where something happened already that must not. */
  private void round(World world, Faults faults, Schedule schedule) throws IOException {
    if (world.violations().isEmpty()) {
      round(world, faults, schedule.next());
      Files.writeString(page, page()); // as of now, for who ends a long run early
    }
  }

  private void round(World world, Faults faults, Schedule.Step step) {
    Map<HostName, Subnet> before = world.holders();
    List<HostName> living = new ArrayList<>(world.running().map(HistoryMember::name).toList());
    String number = String.valueOf(table.count());
    Traffic first =
        Traffic.start(
            world.shell, world.real.get(0), world.real.get(1), world.file("ping-a-" + number));
    Traffic second =
        Traffic.start(
            world.shell, world.real.get(2), world.real.get(3), world.file("ping-b-" + number));
    Said said = new Said(world);
    Patience.pause(CALM);
    faults.happen(step);
    Optional<Duration> right = world.awaitRight(BOUND);
    Patience.pause(CALM);
    List<String> sentences = said.stop();
    Traffic.Loss lived = first.stop();
    Traffic.Loss other = second.stop();
    if (!step.fault().cutsAPath()) {
      lived = lived.plus(other);
    }
    table.add(step.fault(), new FaultTable.Round(lived, right, sentences));
    say(
        "%s (%d s, members: %d): %d of %d packets lost, right after %s, late by %d ms; %s"
            .formatted(
                step.fault().words,
                step.lasts().toSeconds(),
                world.etcd.size(),
                lived.lost(),
                lived.sent(),
                right.map(time -> time.toMillis() + " ms").orElse("NEVER"),
                lateness.worst().toMillis(),
                sentences.stream().findFirst().orElse("status said nothing")));
    if (lived.lost() > 0) {
      world.broken("packets were lost on a path whose hosts lived: " + step.fault().words);
    }
    if (right.isEmpty()) {
      return;
    }
    world.checkAcknowledged();
    living.removeAll(faults.hit());
    world.checkKept(before, living);
  }

  /** What real hosts say that they did not say before, what they say for longest first. */
  private static final class Said {
    /** Of a sentence that only says that the others are of a moment ago. */
    private static final String BUSY = " has been busy for ";

    private final World world;
    private final Set<String> before = new HashSet<>();
    private final Map<String, Integer> since = new LinkedHashMap<>();
    private final Thread asking =
        Thread.ofPlatform().daemon().name("chaos-status").unstarted(this::ask);
    private volatile boolean over;

    Said(World world) {
      this.world = world;
      world.real.forEach(host -> before.addAll(host.problems()));
      asking.start();
    }

    private void ask() {
      while (!over) {
        for (RealHost host : world.real) {
          host.problems().forEach(each -> since.merge(each, 1, Integer::sum));
        }
        Patience.pause(LOOK);
      }
    }

    List<String> stop() {
      over = true;
      try {
        asking.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return since.entrySet().stream()
          .filter(entry -> !before.contains(entry.getKey()) && !entry.getKey().contains(BUSY))
          .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
          .map(Map.Entry::getKey)
          .toList();
    }
  }
}
