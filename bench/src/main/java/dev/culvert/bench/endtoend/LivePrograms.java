// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.bench.Spread;
import dev.culvert.bench.endtoend.LiveReading.Program;
import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.RunStatistics;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.LabState;
import dev.culvert.lab.Progress;
import dev.culvert.lab.Topology;
import dev.culvert.measure.Contestant;
import dev.culvert.measure.Iperf;
import dev.culvert.measure.Measurement;
import dev.culvert.measure.PacketRate;
import dev.culvert.measure.TcpThroughput;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What our programs cost under real traffic between two hosts in namespaces of their own, by the
 * kernel's statistics of BPF programs ({@link RunStatistics}). Kinds of traffic and ways of
 * decapsulating take turns.
 */
public final class LivePrograms {
  private static final Set<String> PEERS = Set.of(Peer.CULVERT, "culvert-xdp");
  private static final int HOSTS = 2;
  private static final int CONTAINERS = 2;
  private static final int SMALL_BYTES = 64;

  private static final Map<String, ToDoubleFunction<LiveReading>> COLUMNS = new LinkedHashMap<>();

  static {
    COLUMNS.put("ns a run", LiveReading::meanNs);
    COLUMNS.put("bytes a run", LiveReading::meanBytes);
    COLUMNS.put("runs, thousands", reading -> reading.runs() / 1e3);
  }

  /** A row of the table. */
  private record Cell(LiveTraffic traffic, String peer, Program program) {}

  private final Lab lab;
  private final Progress progress;
  private final Map<LiveTraffic, Measurement> measurements = new EnumMap<>(LiveTraffic.class);
  private final Map<Cell, List<LiveReading>> readings = new LinkedHashMap<>();

  private LivePrograms(Lab lab, Progress progress, Iperf iperf, Duration turn) {
    this.lab = lab;
    this.progress = progress;
    for (LiveTraffic traffic : LiveTraffic.values()) {
      measurements.put(
          traffic,
          traffic == LiveTraffic.SMALL
              ? new PacketRate(SMALL_BYTES, turn)
              : new TcpThroughput(iperf, 1, false, turn));
    }
  }

  /**
   * Measures. What is built for it is gone afterwards, on Ctrl-C too.
   *
   * @param turn how long each kind of traffic is sent, whole seconds
   * @throws LabException when tools are missing, another lab is up, or packets do not take the way
   *     that is measured
   */
  public static ResultTable measure(Progress progress, int rounds, Duration turn) {
    try (Lab lab = Lab.begin(LabState.Purpose.RUN, progress);
        Course course = new Course(lab, LabPlan.Family.IPV4);
        Iperf iperf = new Iperf(lab)) {
      for (Peer peer : Peer.all()) {
        if (PEERS.contains(peer.id())) {
          progress.now("setting up " + peer.id());
          course.add(peer, HOSTS, CONTAINERS);
        }
      }
      course.setMtu(course.commonMtuBytes());
      LivePrograms live = new LivePrograms(lab, progress, iperf, turn);
      live.warmUp(course);
      try (RunStatistics _ = RunStatistics.enable(Libc.system())) {
        for (int round = 1; round <= rounds; round++) {
          live.round(course, round);
        }
      }
      return live.table();
    }
  }

  private void warmUp(Course course) {
    for (Course.Built built : course.all()) {
      progress.now("live: warming up " + built.peer().id());
      send(built, LiveTraffic.SUPERPACKETS);
    }
  }

  private void round(Course course, int round) {
    for (LiveTraffic traffic : LiveTraffic.values()) {
      course.setMode(traffic.mode());
      for (Course.Built built : course.all()) {
        if (lab.isOver()) {
          throw new LabException("The lab is being taken down.");
        }
        progress.now(
            "live: round %d, %s over %s".formatted(round, traffic.title(), built.peer().id()));
        turn(course, built, traffic);
      }
    }
  }

  private void turn(Course course, Course.Built built, LiveTraffic traffic) {
    course.offload(
        built.contestant().client().namespace(), Topology.DEVICE, traffic.clientOffload());
    Map<Program, LiveReading> before = read(built);
    send(built, traffic);
    Map<Program, LiveReading> after = read(built);
    before.forEach((program, reading) -> {
      LiveReading turn = after.get(program).minus(reading);
      if (!turn.didItsWork()) {
        throw new LabException(
            "%s over %s: of %d runs of %s only %d did what is measured."
                .formatted(
                    traffic.title(),
                    built.peer().id(),
                    turn.runs(),
                    program,
                    turn.counted().packets()));
      }
      readings
          .computeIfAbsent(new Cell(traffic, built.peer().id(), program), _ -> new ArrayList<>())
          .add(turn);
    });
  }

  private void send(Course.Built built, LiveTraffic traffic) {
    var _ = measurements.get(traffic).take(built.contestant());
  }

  /** Encapsulation where the client is, all else where the server is. */
  private Map<Program, LiveReading> read(Course.Built built) {
    Contestant contestant = built.contestant();
    Map<Program, LiveReading> all = new EnumMap<>(Program.class);
    for (Program program : Program.values()) {
      LabPlan.Host host =
          (program == Program.FROM_CONTAINER ? contestant.client() : contestant.server()).host();
      LiveReading.of(program, host, lab.shell()).ifPresent(reading -> all.put(program, reading));
    }
    return all;
  }

  private ResultTable table() {
    List<Row> rows = new ArrayList<>();
    for (LiveTraffic traffic : LiveTraffic.values()) {
      for (Program program : Program.values()) {
        readings.forEach((cell, taken) -> {
          if (cell.traffic() == traffic && cell.program() == program) {
            rows.add(row(cell, taken));
          }
        });
      }
    }
    return new ResultTable(
        "Live, one run under real traffic: median [quartiles] of the turns' means",
        List.of("traffic", "program", "of"),
        List.copyOf(COLUMNS.keySet()),
        rows);
  }

  private static Row row(Cell cell, List<LiveReading> taken) {
    List<Optional<Spread>> cells =
        COLUMNS.values().stream()
            .map(column -> Optional.of(Spread.of(taken.stream().mapToDouble(column).toArray())))
            .toList();
    return new Row(List.of(cell.traffic().title(), cell.program().toString(), cell.peer()), cells);
  }
}
