// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.programs;

import dev.culvert.bench.LookupCost;
import dev.culvert.bench.Machine;
import dev.culvert.bench.ResultTable;
import dev.culvert.bench.endtoend.LivePrograms;
import dev.culvert.datapath.ebpf.GrowthCost;
import dev.culvert.datapath.ebpf.ProgramCost;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * {@code ./dev bench programs [--quick] [--tables NAME,NAME] [--out FOLDER]}: what packets and
 * lookups cost.
 */
public final class Programs {
  private static final String NOTES =
      """
      Programs, growth and lookups are measured by BPF_PROG_TEST_RUN: no device, no interrupt, no neighbour lookup, warm caches. The
      empty program, and what it costs to make the packet what it was, are taken off. "tc" adds and takes headers with
      bpf_skb_adjust_room, whose part is the last row. Columns: subnets in the tables, all /24 unless mixed (/25, /26, /24); "all asked":
      another destination each time, caches cold. 64 KB superpackets are not there: this call takes a page at most and gives a packet
      no GSO type, without which bpf_skb_adjust_room refuses it.
      Live is real traffic between two hosts in network namespaces, by the kernel's own statistics (BPF_ENABLE_STATS): a run with its
      helpers, bpf_skb_adjust_room among them, without what happens to the packet after the redirect. Nothing is taken off.
      """;

  /** A table to measure, which names a file too. */
  private enum Table {
    PROGRAMS,
    GROWTH,
    LOOKUPS,
    LIVE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final String NAMES = names(List.of(Table.values()));

  private Programs() {}

  private static String names(Collection<Table> tables) {
    return tables.stream().map(Table::toString).collect(Collectors.joining(","));
  }

  private record Arguments(
      int rounds, int loads, int repeat, int liveRounds, List<Table> tables, Path out) {
    static Arguments of(String[] args) {
      boolean quick = false;
      List<Table> tables = List.of(Table.values());
      Path out = Path.of("target", "bench");
      for (int i = 0; i < args.length; i++) {
        if (args[i].equals("--quick")) {
          quick = true;
        } else if (args[i].equals("--tables") && i + 1 < args.length) {
          tables = tables(args[++i]);
        } else if (args[i].equals("--out") && i + 1 < args.length) {
          out = Path.of(args[++i]);
        } else {
          throw new IllegalArgumentException(
              "\""
                  + args[i]
                  + "\" is no argument of programs: it takes --quick, --tables"
                  + " "
                  + NAMES
                  + " and --out FOLDER.");
        }
      }
      return quick
          ? new Arguments(7, 7, 4_000, 3, tables, out)
          : new Arguments(25, 15, 10_000, 11, tables, out);
    }

    private static List<Table> tables(String words) {
      List<String> wanted = List.of(words.split(",", -1));
      List<Table> tables =
          List.of(Table.values()).stream()
              .filter(table -> wanted.contains(table.toString()))
              .toList();
      if (tables.size() != wanted.size()) {
        throw new IllegalArgumentException("\"" + words + "\" should be some of " + NAMES + ".");
      }
      return tables;
    }
  }

  /**
   * Prints the tables and writes them as Markdown, CSV and JSON.
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
    String heading =
        "Cost of a packet on %s; %d rounds in turns, live %d.%n"
            .formatted(Machine.describe(), arguments.rounds(), arguments.liveRounds());
    System.out.println(heading);
    int exitCode = 0;
    Map<Table, ResultTable> tables = new LinkedHashMap<>();
    for (Table table : arguments.tables()) {
      try {
        tables.put(table, measure(table, arguments));
        System.out.println(tables.get(table).text());
      } catch (LabException e) {
        System.err.println("The table \"" + table + "\" is missing: " + e.getMessage());
        exitCode = 1;
      }
    }
    String notes =
        NOTES
            + "The statistics themselves are about %.0f ns of each run here.%n"
                .formatted(ProgramCost.statisticsNs(arguments.repeat()));
    System.out.print(notes);
    write(arguments.out(), heading, tables, notes);
    return exitCode;
  }

  private static ResultTable measure(Table table, Arguments arguments) {
    return switch (table) {
      case PROGRAMS -> ProgramCost.measure(arguments.rounds(), arguments.repeat());
      case GROWTH -> GrowthCost.measure(arguments.loads(), arguments.repeat() / 2);
      case LOOKUPS -> LookupCost.measure(arguments.rounds(), Math.max(1, arguments.repeat() / 5));
      case LIVE -> {
        Progress progress = new Progress(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
        ResultTable live =
            LivePrograms.measure(progress, arguments.liveRounds(), Duration.ofSeconds(1));
        progress.done();
        yield live;
      }
    };
  }

  private static void write(
      Path folder, String heading, Map<Table, ResultTable> tables, String notes)
      throws IOException {
    Files.createDirectories(folder);
    String markdown =
        tables.values().stream().map(ResultTable::markdown).collect(Collectors.joining("\n"));
    Files.writeString(folder.resolve("programs.md"), heading + "\n" + markdown + "\n" + notes);
    for (Map.Entry<Table, ResultTable> table : tables.entrySet()) {
      Files.writeString(folder.resolve(table.getKey() + ".csv"), table.getValue().csv());
    }
    String all = tables.values().stream().map(ResultTable::json).collect(Collectors.joining(",\n"));
    Files.writeString(
        folder.resolve("programs.json"),
        "{\"machine\": \"%s\", \"measured\": \"%s\", \"tables\": [%n%s]}%n"
            .formatted(Machine.describe(), Instant.now(), all));
    System.out.println(
        "\nWritten: "
            + folder.resolve("programs.")
            + "{md,json} and {"
            + names(tables.keySet())
            + "}.csv");
  }
}
