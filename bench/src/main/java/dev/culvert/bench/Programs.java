// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.datapath.ProgramCost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** {@code ./dev bench programs [--quick] [--out FOLDER]}: what packets and lookups cost. */
public final class Programs {
  private static final String NOTES =
      """
      Measured by BPF_PROG_TEST_RUN: no device, no interrupt, no neighbour lookup, warm caches. The empty program, and what it costs to
      make the packet what it was, are taken off. "tc" adds and takes headers with bpf_skb_adjust_room, whose part is the last row.
      Columns: subnets in the tables, all /24 unless mixed (/25, /26, /24); "all asked": another destination each time, caches cold.
      64 KB superpackets are not here: this call takes a page at most and gives a packet no GSO type, without which
      bpf_skb_adjust_room refuses it.
      """;

  private Programs() {}

  private record Arguments(int rounds, int repeat, Path out) {
    static Arguments of(String[] args) {
      int rounds = 25;
      int repeat = 10_000;
      Path out = Path.of("target", "bench");
      for (int i = 0; i < args.length; i++) {
        if (args[i].equals("--quick")) {
          rounds = 7;
          repeat = 4_000;
        } else if (args[i].equals("--out") && i + 1 < args.length) {
          out = Path.of(args[++i]);
        } else {
          throw new IllegalArgumentException(
              "\"" + args[i] + "\" is no argument of programs: it takes --quick and --out FOLDER.");
        }
      }
      return new Arguments(rounds, repeat, out);
    }
  }

  /**
   * Prints the tables and writes them as Markdown, CSV and JSON.
   *
   * @param args see the class
   */
  public static void main(String[] args) throws IOException {
    Arguments arguments = Arguments.of(args);
    String heading =
        "Cost of a packet on %s; %d rounds in turns.%n"
            .formatted(Machine.describe(), arguments.rounds());
    System.out.println(heading);
    List<ResultTable> tables = new ArrayList<>();
    tables.add(ProgramCost.measure(arguments.rounds(), arguments.repeat()));
    System.out.println(tables.getFirst().text());
    tables.add(LookupCost.measure(arguments.rounds(), Math.max(1, arguments.repeat() / 5)));
    System.out.println(tables.getLast().text());
    System.out.print(NOTES);
    write(arguments.out(), heading, tables);
  }

  private static void write(Path folder, String heading, List<ResultTable> tables)
      throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("programs.md"),
        heading
            + "\n"
            + tables.stream().map(ResultTable::markdown).collect(Collectors.joining("\n"))
            + "\n"
            + NOTES);
    Files.writeString(folder.resolve("programs.csv"), tables.getFirst().csv());
    Files.writeString(folder.resolve("lookups.csv"), tables.getLast().csv());
    String all = tables.stream().map(ResultTable::json).collect(Collectors.joining(",\n"));
    Files.writeString(
        folder.resolve("programs.json"),
        "{\"machine\": \"%s\", \"measured\": \"%s\", \"tables\": [%n%s]}%n"
            .formatted(Machine.describe(), Instant.now(), all));
    System.out.println("\nWritten: " + folder.resolve("programs.") + "{md,csv,json}, lookups.csv");
  }
}
