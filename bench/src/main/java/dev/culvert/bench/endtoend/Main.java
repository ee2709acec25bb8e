// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.agent.cli.GlobalOptions;
import dev.culvert.agent.cli.Program;
import dev.culvert.bench.endtoend.peer.Peer;
import dev.culvert.bench.endtoend.report.Reports;
import dev.culvert.bench.endtoend.report.ResultsPages;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.LabState;
import dev.culvert.lab.Progress;
import dev.culvert.lab.cli.LabCommand;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command "culvert bench". */
@Command(
    name = "bench",
    description = {
      "Measure Culvert and its peers in turns, in network namespaces of this machine, and write a"
          + " report.",
      "Nothing outside of its own namespaces is touched, and all of it is removed."
    })
public final class Main implements Callable<Integer> {
  private static final String RESULTS = "--results";

  @Mixin
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private GlobalOptions global;

  @Option(
      names = "--quick",
      description = "Under three minutes instead of thirty: fewer contestants and measurements.")
  private boolean quick;

  @Option(
      names = "--contestants",
      paramLabel = "ID",
      split = ",",
      description =
          "Only these, separated by commas; --list names them, also those that take part only when named.")
  private List<String> contestants = List.of();

  @Option(
      names = "--measure",
      paramLabel = "WHAT",
      split = ",",
      converter = KindConverter.class,
      description = "Only these, separated by commas; --list names them.")
  private List<Kind> kinds = List.of();

  @Option(
      names = "--mode",
      paramLabel = "MODE",
      split = ",",
      description = "superpacket, wire, or both separated by a comma (default: both).")
  private List<Mode> modes = List.of(Mode.SUPERPACKET, Mode.WIRE);

  @Option(
      names = "--family",
      paramLabel = "FAMILY",
      description =
          "ipv4 (default) or ipv6: of containers and underlay alike. Scaling is measured over IPv4 alone.")
  private LabPlan.Family family = LabPlan.Family.IPV4;

  @Option(
      names = "--parts",
      paramLabel = "PART",
      split = ",",
      description =
          "turns (same MTU for all), own-mtu, scaling, separated by commas (default: all of them;"
              + " with --quick: turns).")
  private List<Part> parts = List.of();

  @Option(
      names = "--minutes",
      paramLabel = "N",
      description = "Take about so long (default: 28; with --quick: under 3).")
  private Integer minutes;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description =
          "At most so many rounds (default: 11, with --quick 7); fewer when time is short; 7 allow a conclusion.")
  private Integer rounds;

  @Option(
      names = "--turn",
      paramLabel = "MS",
      description = "How long a turn of packets or round trips takes, in milliseconds.")
  private Integer turnMs;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of the bootstrap: the same values and seed give the same intervals.")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      defaultValue = "bench-report",
      description = "Where the report goes (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = RESULTS,
      paramLabel = "FOLDER",
      description = {
        "Keep the tables there too, as DATE.md; pages that are there are left alone.",
        "\"./dev bench\" has them in docs/results."
      })
  private Path pages;

  @Option(
      names = "--list",
      description = "Name the contestants and what can be measured, and do nothing else.")
  private boolean list;

  @Spec private CommandSpec spec;

  /** picocli makes it. */
  public Main() {}

  public static void main(String[] args) {
    System.exit(Program.run(Main::commandLine, args));
  }

  /** Writing where it is told; for tests too. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err) {
    CommandLine line = Program.prepare(new CommandLine(new Main()), out, err);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    return line;
  }

  @Override
  public Integer call() {
    PrintWriter print = spec.commandLine().getOut();
    if (list) {
      Peer.all().forEach(peer -> print.printf("%-18s %s%n", peer.id(), peer.title()));
      print.println("--measure: " + words(Kind.all()));
      return 0;
    }
    Settings settings = settings();
    LabCommand.requireRoot();
    Progress progress = new Progress(print);
    Results results;
    try (Lab lab = Lab.begin(LabState.Purpose.RUN, progress)) {
      results = new Bench(lab, progress, settings).run(words(), commit());
      progress.now("removing the lab");
    }
    progress.done();
    print.print(Reports.text(results));
    print.println();
    results.failures().forEach(failure -> print.println("Left out: " + failure));
    Reports.write(results, out).forEach(file -> print.println("Wrote " + file));
    if (pages != null) {
      print.println("Wrote " + ResultsPages.add(results, pages));
    }
    return 0;
  }

  private String words() {
    return command(spec.commandLine().getParseResult().originalArgs());
  }

  /** What somebody else types to have the same measured. */
  static String command(List<String> arguments) {
    StringBuilder command = new StringBuilder("./culvert bench");
    for (int i = 0; i < arguments.size(); i++) {
      String argument = arguments.get(i);
      if (argument.equals(RESULTS)) {
        i++; // its folder
      } else if (!argument.startsWith(RESULTS + "=")) {
        command.append(' ').append(argument);
      }
    }
    return command.toString();
  }

  /** Of the source tree, which ./culvert knows. */
  private static String commit() {
    return System.getProperty("culvert.commit", "unknown");
  }

  private static String words(List<?> all) {
    return all.stream().map(Object::toString).collect(Collectors.joining(", "));
  }

  /** A kind of measurement by its name. */
  static final class KindConverter implements CommandLine.ITypeConverter<Kind> {
    @Override
    public Kind convert(String text) {
      return Kind.all().stream()
          .filter(kind -> kind.toString().equals(text))
          .findFirst()
          .orElseThrow(() ->
              new CommandLine.TypeConversionException(
                  "\"%s\" cannot be measured; choose from %s".formatted(text, words(Kind.all()))));
    }
  }

  private List<Kind> kindsOrDefault() {
    if (kinds.isEmpty()) {
      // sockperf takes IPv4 addresses alone.
      return (quick ? Kind.quick() : Kind.all())
          .stream().filter(kind -> kind != Kind.SOCKPERF || !family.underlayIpv6()).toList();
    }
    return Kind.all().stream().filter(kinds::contains).toList();
  }

  private Settings settings() {
    Duration budget = quick ? Settings.QUICK : Settings.FULL;
    return new Settings(
        peers(),
        List.copyOf(modes),
        family(),
        rounds == null ? quick ? Settings.QUICK_ROUNDS : Settings.FULL_ROUNDS : rounds,
        minutes == null ? budget : Duration.ofMinutes(minutes),
        kindsOrDefault(),
        partsOrDefault(),
        turnMs == null ? Settings.TURN : Duration.ofMillis(turnMs),
        seed);
  }

  private LabPlan.Family family() {
    if (family == LabPlan.Family.DUAL) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "What is measured goes over one family: ipv4 or ipv6.");
    }
    return family;
  }

  private Set<Part> partsOrDefault() {
    if (parts.isEmpty()) {
      return quick ? Set.of(Part.TURNS) : Set.of(Part.values());
    }
    return Set.copyOf(parts);
  }

  private List<Peer> peers() {
    if (contestants.isEmpty()) {
      return Peer.all().stream().filter(peer -> peer.joins().in(quick)).toList();
    }
    List<String> known = Peer.all().stream().map(Peer::id).toList();
    for (String id : contestants) {
      if (!known.contains(id)) {
        throw new CommandLine.ParameterException(
            spec.commandLine(),
            "There is no contestant \"%s\"; choose from %s."
                .formatted(id, String.join(", ", known)));
      }
    }
    return Peer.all().stream().filter(peer -> contestants.contains(peer.id())).toList();
  }
}
