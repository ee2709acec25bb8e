// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.Machine;
import dev.culvert.bench.endtoend.peer.KernelSupport;
import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Progress;
import dev.culvert.measure.Contestant;
import dev.culvert.measure.Iperf;
import dev.culvert.measure.Measurement;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Rounds;
import dev.culvert.measure.TcpThroughput;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.HdrHistogram.Histogram;

/** One run: builds the course, takes the rounds, and keeps to its time. */
final class Bench {
  /** Shares of the time in a full run: what is left is scaling's. */
  private static final double OWN_MTU_SHARE = 0.07;

  private static final double SCALING_SHARE = 0.14;

  private static final int CONTAINERS = 2;
  private static final int HOSTS = 2;
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final long LONGEST_TRIP_NS = 1_000_000_000;

  private final Lab lab;
  private final Progress progress;
  private final Settings settings;
  private final Clock clock;
  private final List<String> failures = new ArrayList<>();

  Bench(Lab lab, Progress progress, Settings settings) {
    this.lab = lab;
    this.progress = progress;
    this.settings = settings;
    this.clock = new Clock(progress, settings.budget());
  }

  /** All of it. Command and commit are for the report. */
  Results run(String command, String commit) {
    Instant begun = Instant.now();
    Machine machine = Machine.read();
    if (machine.isBusy()) {
      progress.line(
          "Other programs take %.0f %% of this machine's processors: expect noise."
              .formatted(machine.busyBefore() * 100));
    }
    List<Results.Absent> absent = absent();
    List<Peer> peers = new ArrayList<>(settings.peers());
    absent.forEach(missing -> peers.remove(missing.peer()));
    if (peers.size() < 2) {
      throw new LabException("A comparison needs at least two contestants that this kernel has.");
    }
    List<Group> groups = new ArrayList<>();
    if (!settings.parts().equals(Set.of(Part.SCALING))) {
      try (Course course = new Course(lab, settings.family())) {
        for (Peer peer : peers) {
          clock.now("setting up " + peer.id());
          course.add(peer, HOSTS, CONTAINERS);
        }
        measure(course, groups);
      }
    }
    List<ScalingCurve> scaling =
        settings.parts().contains(Part.SCALING) && !settings.family().underlayIpv6()
            ? new Scaling(lab, clock, settings, failures).run(peers)
            : List.of();
    Duration took = Duration.between(begun, Instant.now());
    return new Results(
        command,
        commit,
        begun,
        took,
        settings.seed(),
        machine,
        peers,
        absent,
        groups,
        scaling,
        List.copyOf(failures));
  }

  private List<Results.Absent> absent() {
    List<Results.Absent> absent = new ArrayList<>();
    if (settings.family().underlayIpv6()) {
      settings.peers().stream()
          .filter(peer -> !peer.ipv6())
          .forEach(peer -> absent.add(new Results.Absent(peer, "set up for IPv4 alone")));
    }
    try (KernelSupport support = new KernelSupport(lab)) {
      support
          .lacking(settings.peers())
          .forEach((peer, reason) -> absent.add(new Results.Absent(peer, reason)));
    }
    return absent;
  }

  private void measure(Course course, List<Group> groups) {
    try (Iperf iperf = new Iperf(lab)) {
      if (settings.parts().contains(Part.TURNS)) {
        course.setMtu(course.commonMtuBytes());
        double later = share(Part.OWN_MTU) + share(Part.SCALING);
        eachMode(
            course, later, (mode, seconds) -> groups.add(sameMtu(course, iperf, mode, seconds)));
      }
      if (settings.parts().contains(Part.OWN_MTU)) {
        course.setOwnMtu();
        eachMode(
            course,
            share(Part.SCALING),
            (mode, seconds) -> groups.add(ownMtu(course, iperf, mode, seconds)));
      }
    }
  }

  /** Of the whole time. */
  private double share(Part part) {
    if (!settings.parts().contains(part)) {
      return 0;
    }
    return part == Part.SCALING ? SCALING_SHARE : OWN_MTU_SHARE;
  }

  /** The time left is shared among the modes, but for the part of it all that comes later. */
  private void eachMode(Course course, double later, BiConsumer<Mode, Double> work) {
    double reserved = later * settings.budget().toSeconds();
    for (int i = 0; i < settings.modes().size(); i++) {
      Mode mode = settings.modes().get(i);
      course.setMode(mode);
      work.accept(mode, (clock.secondsLeft() - reserved) / (settings.modes().size() - i));
    }
  }

  private Group sameMtu(Course course, Iperf iperf, Mode mode, double seconds) {
    Map<String, Histogram> trips = new LinkedHashMap<>();
    Kind.Tools tools =
        new Kind.Tools(
            lab, iperf, settings.turn(), (contestant, ns) -> keep(trips, contestant, ns));
    List<Measurement> kinds = settings.kinds().stream().map(kind -> kind.with(tools)).toList();
    Rounds rounds = take(course, kinds, mode.toString(), seconds);
    return new Group(
        mode.toString(),
        "%s mode, containers' MTU %d bytes for all"
            .formatted(capital(mode), course.commonMtuBytes()),
        "Underlay devices of the hosts: " + course.offloads() + ".",
        rounds.samples(),
        headlines(kinds),
        trips);
  }

  private Group ownMtu(Course course, Iperf iperf, Mode mode, double seconds) {
    List<Measurement> kinds = List.of(new TcpThroughput(iperf, 1, false, SECOND));
    Rounds rounds = take(course, kinds, mode + ", own MTU", seconds);
    List<String> mtus =
        course.all().stream()
            .map(built -> built.peer().id() + " " + built.datapath().containerMtuBytes())
            .toList();
    return new Group(
        mode + "-own-mtu",
        "%s mode, each with the containers' MTU of its own project".formatted(capital(mode)),
        "Containers' MTU in bytes: " + String.join(", ", mtus) + ".",
        rounds.samples(),
        headlines(kinds),
        Map.of());
  }

  private static String capital(Mode mode) {
    return mode.name().charAt(0) + mode.toString().substring(1);
  }

  /** The first of each kind; what it cost in other respects is told without ratios. */
  private static List<Quantity> headlines(List<Measurement> kinds) {
    return kinds.stream().map(kind -> kind.quantities().getFirst()).toList();
  }

  /** The kernel loses a packet now and then on a loaded machine, so trips may be long. */
  private static void keep(Map<String, Histogram> trips, Contestant contestant, long[] ns) {
    Histogram all = trips.computeIfAbsent(contestant.id(), _ -> new Histogram(LONGEST_TRIP_NS, 3));
    for (long trip : ns) {
      all.recordValue(Math.min(trip, LONGEST_TRIP_NS));
    }
  }

  /** As many rounds as fit into the seconds. */
  private Rounds take(Course course, List<Measurement> kinds, String what, double seconds) {
    Rounds warm = new Rounds(course.contestants(), kinds.subList(0, 1));
    double endLeft = clock.secondsLeft() - seconds;
    warm.warmUp(turn -> clock.now(what + ", warming up, " + turn), lab::isOver);
    Rounds rounds = new Rounds(course.contestants(), kinds);
    double longest = rounds.secondsOfRound();
    int taken = 0;
    while (taken < settings.maxRounds()
        && (taken == 0 || clock.secondsLeft() - longest > endLeft)) {
      taken++;
      double before = clock.secondsLeft();
      String round = "%s, round %d".formatted(what, taken);
      rounds.take(turn -> clock.now(round + ", " + turn), lab::isOver);
      longest = Math.max(longest, before - clock.secondsLeft());
    }
    tell(what, rounds.failures());
    return rounds;
  }

  /** What failed in many rounds is told once. */
  private void tell(String what, List<String> sentences) {
    Map<String, Integer> times = new LinkedHashMap<>();
    sentences.forEach(sentence -> times.merge(sentence, 1, Integer::sum));
    times.forEach((sentence, count) ->
        failures.add(what + ": " + sentence + (count == 1 ? "" : " (" + count + " times)")));
  }
}
