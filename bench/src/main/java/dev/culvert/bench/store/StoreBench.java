// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.bench.Machine;
import dev.culvert.bench.ResultTable;
import dev.culvert.bench.ResultTable.Row;
import dev.culvert.measure.ProcessorTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * {@code ./dev bench store [--quick] [--parts NAME,NAME] [--hosts N,N] [--out FOLDER]}: what many
 * hosts ask of one etcd, and how fast they hear of each other.
 */
public final class StoreBench {
  private static final String USAGE =
      "store takes --quick, --parts claims,announcements,return,tables,idle, --hosts N,N and --out"
          + " FOLDER, and not \"%s\".";

  /** What was asked for. */
  record Arguments(int rounds, List<String> parts, List<Integer> hosts, Path out) {
    static final List<String> ALL = List.of("claims", "announcements", "return", "tables", "idle");

    static Arguments of(String[] args) {
      boolean quick = false;
      List<String> parts = ALL;
      Optional<List<Integer>> hosts = Optional.empty();
      Path out = Path.of("target", "bench");
      for (int i = 0; i < args.length; i++) {
        String value = i + 1 < args.length ? args[i + 1] : "";
        switch (args[i]) {
          case "--quick" -> quick = true;
          case "--parts" -> parts = List.of(value.split(","));
          case "--hosts" ->
              hosts = Optional.of(Arrays.stream(value.split(",")).map(Integer::valueOf).toList());
          case "--out" -> out = Path.of(value);
          default -> throw new IllegalArgumentException(USAGE.formatted(args[i]));
        }
        i += args[i].equals("--quick") ? 0 : 1;
      }
      if (!ALL.containsAll(parts)) {
        throw new IllegalArgumentException(USAGE.formatted(String.join(",", parts)));
      }
      List<Integer> usual = quick ? List.of(30, 100, 300) : List.of(100, 300, 1000);
      return new Arguments(quick ? 3 : 5, parts, hosts.orElse(usual), out);
    }

    int most() {
      return hosts.stream().mapToInt(Integer::intValue).max().orElseThrow();
    }
  }

  /** In place of three seconds: a crowd of hosts shares the processors of one machine. */
  private static final Duration TIMEOUT = Duration.ofMinutes(3);

  private StoreBench() {}

  /**
   * Prints the tables and writes them as Markdown and CSV.
   *
   * @param args see the class
   */
  public static void main(String[] args) throws IOException {
    Arguments arguments;
    try {
      arguments = Arguments.of(args);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    System.exit(run(arguments));
  }

  private static int run(Arguments arguments) throws IOException {
    Machine machine = Machine.read();
    double busyBefore = ProcessorTime.busySeconds();
    long beganNs = System.nanoTime();
    String heading =
        "Many hosts and one store on %s; %d rounds, median [quartiles]; %.0f %% busy with other things before."
            .formatted(Machine.describe(), arguments.rounds(), 100 * machine.busyBefore());
    System.out.println(heading + "\n");
    Map<String, ResultTable> tables = new LinkedHashMap<>();
    for (String part : arguments.parts()) {
      ResultTable table =
          switch (part) {
            case "claims" -> claims(arguments);
            case "announcements" -> Announcements.measure(arguments.most(), arguments.rounds());
            case "return" -> Return.measure(arguments.most(), arguments.rounds());
            case "tables" -> TableWrites.measure(arguments.rounds());
            default -> Idle.measure(Math.max(1, arguments.rounds() - 2));
          };
      tables.put(part, table);
      System.out.println(table.text());
    }
    write(arguments.out(), heading, tables);
    System.out.printf(
        "Meanwhile all processors were busy for %.0f of %.0f s each, everything together.%n",
        (ProcessorTime.busySeconds() - busyBefore) / machine.processors(),
        (System.nanoTime() - beganNs) / 1e9);
    return 0;
  }

  /** So many newcomers at once, each round with an etcd of its own. */
  private static ResultTable claims(Arguments arguments) {
    List<Row> rows = new ArrayList<>();
    for (int count : arguments.hosts()) {
      double[] most = new double[arguments.rounds()];
      double[] mean = new double[arguments.rounds()];
      double[] counted = new double[arguments.rounds()];
      double[] seconds = new double[arguments.rounds()];
      for (int round = 0; round < arguments.rounds(); round++) {
        try (Etcd etcd = Etcd.settled();
            Crowd _ = Crowd.gather(etcd, 1)) { // so that the network is there
          Map<String, Long> before = etcd.calls();
          try (Crowd crowd = Crowd.start(etcd, count, 1, TIMEOUT)) {
            Map<String, Long> after = etcd.calls();
            long distinct = crowd.distinctSubnets();
            if (distinct != count) {
              throw new IllegalStateException(
                  count + " hosts have " + distinct + " subnets: some were given twice.");
            }
            long[] requests = crowd.agents().stream().mapToLong(a -> a.requests()).toArray();
            most[round] = Arrays.stream(requests).max().orElseThrow();
            mean[round] = Arrays.stream(requests).average().orElseThrow();
            counted[round] = (sum(after) - sum(before)) / (double) count;
            seconds[round] = crowd.seconds();
            System.out.printf(
                "  %d hosts: %.1f s, requests of one %s, etcd counts %s%n",
                count, crowd.seconds(), histogram(requests), after);
          }
        }
      }
      rows.add(Row.of(count, most, mean, counted, seconds));
    }
    return new ResultTable(
        "Hosts that claim a subnet at once: requests each until it is confirmed",
        List.of("hosts"),
        List.of("most of one", "mean", "mean, by etcd's count, with watches", "seconds, all"),
        rows);
  }

  private static long sum(Map<String, Long> calls) {
    return calls.values().stream().mapToLong(Long::longValue).sum();
  }

  private static String histogram(long[] requests) {
    return Arrays.stream(requests)
        .boxed()
        .collect(Collectors.groupingBy(n -> n, java.util.TreeMap::new, Collectors.counting()))
        .toString();
  }

  private static void write(Path folder, String heading, Map<String, ResultTable> tables)
      throws IOException {
    Files.createDirectories(folder);
    String markdown =
        tables.values().stream().map(ResultTable::markdown).collect(Collectors.joining("\n"));
    Files.writeString(
        folder.resolve("store.md"), heading + "\n\n" + Instant.now() + "\n\n" + markdown);
    for (Map.Entry<String, ResultTable> table : tables.entrySet()) {
      Files.writeString(folder.resolve("store-" + table.getKey() + ".csv"), table.getValue().csv());
    }
    System.out.println("Written: " + folder.resolve("store.md") + " and a CSV file for each part.");
  }
}
