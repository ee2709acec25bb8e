// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.output.Table;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A first comparison of datapaths. They take turns (A B C A B C ...), so that whatever else the
 * machine does hits all alike; client and server have a processor each. Over veths a superpacket is
 * never cut into frames, so tunnels look cheaper here than on a wire: that is for the bench.
 */
public final class Measurements {
  /**
   * One contestant.
   *
   * @param server to which the client, another container on another host, sends
   */
  public record Contestant(String name, LabPlan.Container client, LabPlan.Container server) {}

  /** What is measured. */
  public enum Quantity {
    TCP("TCP, iperf3, one stream", "Gbit/s", true),
    UDP("UDP received, iperf3, 64 bytes", "kpps", true),
    ROUND_TRIP("round trip, ping -A", "us", false);

    private final String title;
    private final String unit;
    private final boolean moreIsBetter;

    Quantity(String title, String unit, boolean moreIsBetter) {
      this.title = title;
      this.unit = unit;
      this.moreIsBetter = moreIsBetter;
    }
  }

  private static final Pattern TIME = Pattern.compile(" time=([0-9.]+) ms");
  private static final int CLIENT_PROCESSOR = 0;
  private static final int SERVER_PROCESSOR = 1;
  private static final int PINGS = 4000;
  private static final int PORT = 5201;
  private static final Duration START = Duration.ofSeconds(5);

  private final Lab lab;
  private final Progress progress;
  private final List<Contestant> contestants;
  private final Map<Quantity, Map<String, List<Double>>> values = new LinkedHashMap<>();

  public Measurements(Lab lab, Progress progress, List<Contestant> contestants) {
    this.lab = lab;
    this.progress = progress;
    this.contestants = List.copyOf(contestants);
    for (Quantity quantity : Quantity.values()) {
      Map<String, List<Double>> lists = new LinkedHashMap<>();
      contestants.forEach(contestant -> lists.put(contestant.name(), new ArrayList<>()));
      values.put(quantity, lists);
    }
  }

  /** Takes all rounds; each takes about 2.3 s for a contestant. */
  public void run(int rounds) {
    List<Running> servers = contestants.stream().map(this::serve).toList();
    try {
      for (int round = 1; round <= rounds; round++) {
        for (Contestant contestant : contestants) {
          progress.now("measuring %s, round %d of %d".formatted(contestant.name(), round, rounds));
          add(Quantity.TCP, contestant, tcp(contestant));
          add(Quantity.UDP, contestant, udp(contestant));
          add(Quantity.ROUND_TRIP, contestant, roundTrip(contestant));
        }
      }
    } finally {
      servers.forEach(Running::close);
    }
  }

  private void add(Quantity quantity, Contestant contestant, double value) {
    values.get(quantity).get(contestant.name()).add(value);
  }

  private Running serve(Contestant contestant) {
    Running server =
        lab.shell()
            .start(
                Command.of("iperf3", "-s", "--forceflush", "-p", Integer.toString(PORT))
                    .on(SERVER_PROCESSOR)
                    .in(contestant.server().namespace()),
                lab.file("iperf3-" + contestant.name() + ".log"));
    server.awaitOutput("listening", START);
    return server;
  }

  /** BBR, a default in places, paces; cubic takes what the path gives. */
  private double tcp(Contestant contestant) {
    Map<?, ?> sum = iperf(contestant, "-t", "1", "-C", "cubic");
    return number(sum, "bits_per_second") / 1e9;
  }

  private double udp(Contestant contestant) {
    Map<?, ?> sum = iperf(contestant, "-t", "1", "-u", "-b", "0", "-l", "64");
    return number(sum, "bytes") / 64 / number(sum, "seconds") / 1e3;
  }

  private Map<?, ?> iperf(Contestant contestant, String... options) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "iperf3", "-J", "-p", Integer.toString(PORT), "-c", contestant.server().address()));
    words.addAll(List.of(options));
    String text =
        lab.shell()
            .run(Command.of(words).on(CLIENT_PROCESSOR).in(contestant.client().namespace()))
            .out();
    Map<String, Object> answer = Json.parseObject(text);
    if (answer.get("end") instanceof Map<?, ?> end
        && end.get("sum_received") instanceof Map<?, ?> sum) {
      return sum;
    }
    throw new LabException(
        "iperf3 over %s said: %s".formatted(contestant.name(), answer.get("error")));
  }

  private static double number(Map<?, ?> map, String key) {
    if (map.get(key) instanceof Number number) {
      return number.doubleValue();
    }
    throw new LabException("iperf3's answer has no number \"" + key + "\".");
  }

  private double roundTrip(Contestant contestant) {
    String text =
        lab.shell()
            .output(
                Command.of(
                        "ping",
                        "-n",
                        "-A",
                        "-c",
                        Integer.toString(PINGS),
                        contestant.server().address())
                    .on(CLIENT_PROCESSOR)
                    .in(contestant.client().namespace()));
    double[] times =
        TIME.matcher(text)
            .results()
            .mapToDouble(match -> Double.parseDouble(match.group(1)) * 1000)
            .toArray();
    if (times.length == 0) {
      throw new LabException("ping over " + contestant.name() + " had no answer.");
    }
    return Statistics.medianOfWhole(times);
  }

  /** A table for people: median (lowest to highest), and the last contestant against the others. */
  public List<String> table() {
    Contestant last = contestants.getLast();
    List<Contestant> others = contestants.subList(0, contestants.size() - 1);
    List<String> heading = new ArrayList<>(List.of("median (lowest to highest)"));
    contestants.forEach(contestant -> heading.add(contestant.name()));
    others.forEach(other -> heading.add(last.name() + " / " + other.name()));
    Table table = new Table(heading.toArray(String[]::new));
    for (Quantity quantity : Quantity.values()) {
      List<String> row = new ArrayList<>(List.of(quantity.title + ", " + quantity.unit));
      contestants.forEach(contestant -> row.add(cell(all(quantity, contestant.name()))));
      others.forEach(other -> row.add("%.2f".formatted(ratio(quantity, last, other))));
      table.row(row.toArray());
    }
    return table.render().lines().toList();
  }

  private static String cell(double[] all) {
    return "%.2f (%.2f to %.2f)"
        .formatted(
            Statistics.median(all),
            Arrays.stream(all).min().orElse(0),
            Arrays.stream(all).max().orElse(0));
  }

  private double ratio(Quantity quantity, Contestant one, Contestant other) {
    return Statistics.median(all(quantity, one.name()))
        / Statistics.median(all(quantity, other.name()));
  }

  private double[] all(Quantity quantity, String name) {
    return values.get(quantity).get(name).stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** For the report's JSON form. */
  public List<Map<String, Object>> json() {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Quantity quantity : Quantity.values()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("quantity", quantity.title);
      json.put("unit", quantity.unit);
      json.put("moreIsBetter", quantity.moreIsBetter);
      Map<String, Object> results = new LinkedHashMap<>();
      for (Contestant contestant : contestants) {
        double[] all = all(quantity, contestant.name());
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("median", Report.round(Statistics.median(all)));
        result.put("values", Arrays.stream(all).mapToObj(Report::round).toList());
        results.put(contestant.name(), result);
      }
      json.put("results", results);
      list.add(json);
    }
    return list;
  }
}
