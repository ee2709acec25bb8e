// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Checks;
import dev.culvert.cni.conformance.check.Outage;
import dev.culvert.cni.conformance.check.Stage;
import dev.culvert.cni.conformance.net.Namespaces;
import dev.culvert.cni.conformance.net.StoppedException;
import dev.culvert.cni.conformance.plugin.CniVersion;
import dev.culvert.cni.conformance.plugin.NetworkConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Entry point. */
@Command(
    name = "culvert-cni-conformance",
    description = "Tries on a CNI plugin what the specification 1.1.0 asks of it.",
    mixinStandardHelpOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:no MUST failed",
      "1:a MUST failed, or the checks could not be run",
      "2:the command line was wrong"
    })
public final class Main implements Callable<Integer> {
  @Option(names = "--plugin", paramLabel = "PATH", description = "The plugin's binary.")
  private Path plugin;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "A network configuration for it: one plugin's, or a list that has it.")
  private Path config;

  @Option(
      names = "--second-config",
      paramLabel = "FILE",
      description = "Another network, which may live beside the first.")
  private Path secondConfig;

  @Option(
      names = "--cni-path",
      paramLabel = "DIR",
      description = "CNI_PATH, where the plugin finds others; its own folder unless said.")
  private String cniPath;

  @Option(
      names = "--versions",
      split = ",",
      paramLabel = "VERSION",
      description = "In which versions; all unless said that VERSION names and the kit knows.")
  private List<String> versions = List.of();

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "CHECK",
      description = "Which checks, by name or by the name's first part: del, add.twice.")
  private List<String> only = List.of();

  @Option(
      names = "--parallel",
      paramLabel = "N",
      defaultValue = "10",
      description = "How many containers at once (${DEFAULT-VALUE}).")
  private int parallel;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "20",
      description = "How often it is killed in each kill check (${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Chooses the moments of kills; printed, to run the same again.")
  private Long seed;

  @Option(
      names = "--pool-limit",
      paramLabel = "N",
      defaultValue = "32",
      description =
          "Up to how many addresses are counted (${DEFAULT-VALUE}), to find those that leak.")
  private int poolLimit;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description = "How long a call may take (${DEFAULT-VALUE}).")
  private int timeoutSeconds;

  @Option(
      names = "--host",
      paramLabel = "NAME",
      defaultValue = Kit.Target.OWN,
      description =
          "The network namespace that takes the host's part: \"own\" is made for it, \"current\" is "
              + "this one, or one of ip-netns(8) (${DEFAULT-VALUE}).")
  private String host;

  @Option(
      names = "--break",
      paramLabel = "COMMAND",
      description = "Takes down what the plugin depends on, a daemon for example.")
  private String breakIt;

  @Option(names = "--mend", paramLabel = "COMMAND", description = "Brings it back.")
  private String mendIt;

  @Option(names = "--json", description = "The report as JSON.")
  private boolean json;

  @Option(names = "--markdown", description = "The report as a table in Markdown.")
  private boolean markdown;

  @Option(names = "--list", description = "Only name the checks and what each asks.")
  private boolean list;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it
  private boolean help;

  @Spec private CommandSpec spec;

  /** picocli makes it. */
  public Main() {}

  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(commandLine(out, err).execute(args));
  }

  /** The whole command line, writing where it is told. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err) {
    CommandLine line = new CommandLine(new Main());
    line.setOut(out);
    line.setErr(err);
    line.setParameterExceptionHandler(Main::usage);
    line.setExecutionExceptionHandler(Main::failure);
    return line;
  }

  private static int usage(ParameterException e, String[] args) {
    PrintWriter err = e.getCommandLine().getErr();
    err.println("culvert-cni-conformance: " + e.getMessage() + " Try --help.");
    return CommandLine.ExitCode.USAGE;
  }

  private static int failure(Exception e, CommandLine line, CommandLine.ParseResult parsed) {
    line.getErr().println("culvert-cni-conformance: " + e.getMessage());
    if (!(e instanceof IOException || e instanceof StoppedException)) {
      e.printStackTrace(line.getErr());
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  @Override
  public Integer call() throws IOException {
    List<Check> checks = chosen();
    PrintWriter out = spec.commandLine().getOut();
    if (list) {
      checks.forEach(check -> out.println(describe(check)));
      return CommandLine.ExitCode.OK;
    }
    validate();
    needRoot();
    NetworkConfig network = NetworkConfig.read(config, plugin.getFileName().toString());
    Report report;
    try (Kit kit = new Kit(target(), options(network))) {
      Thread stopping = Thread.ofPlatform().unstarted(kit::close);
      Runtime.getRuntime().addShutdownHook(stopping);
      report = kit.run(checks, versions(kit), result -> tell(out, result));
      Runtime.getRuntime().removeShutdownHook(stopping);
    }
    out.println(json ? report.json() : markdown ? report.markdown() : report.summary());
    return report.conforms() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private void tell(PrintWriter out, Result result) {
    if (!json && !markdown) {
      out.println(Report.line(result));
    }
  }

  private static String describe(Check check) {
    return String.format(
        "%-24s %-6s section %s: %s",
        check.id(), check.level(), check.chapter().section(), check.sentence());
  }

  private Kit.Target target() {
    Path whole = plugin.toAbsolutePath().normalize();
    return new Kit.Target(
        whole,
        cniPath == null ? whole.getParent().toString() : cniPath,
        host,
        Duration.ofSeconds(timeoutSeconds));
  }

  private Stage.Options options(NetworkConfig network) throws IOException {
    return new Stage.Options(
        network,
        secondConfig == null
            ? Optional.empty()
            : Optional.of(NetworkConfig.read(secondConfig, plugin.getFileName().toString())),
        parallel,
        rounds,
        seed == null ? RandomGenerator.getDefault().nextInt(1_000_000) : seed,
        poolLimit,
        breakIt == null ? Optional.empty() : Optional.of(new Outage(breakIt, mendIt)));
  }

  private List<CniVersion> versions(Kit kit) throws IOException {
    List<CniVersion> all =
        versions.isEmpty()
            ? kit.spoken(CniVersion.V1_0_0)
            : versions.stream().map(this::version).sorted().distinct().toList();
    if (all.isEmpty()) {
      throw new IOException(
          "VERSION lists none of " + CniVersion.KNOWN + ": name what to try with --versions.");
    }
    return all;
  }

  private CniVersion version(String text) {
    try {
      CniVersion version = CniVersion.parse(text);
      if (CniVersion.KNOWN.contains(version)) {
        return version;
      }
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
    throw wrong("The kit knows the versions " + CniVersion.KNOWN + ", and not " + text + ".");
  }

  private List<Check> chosen() {
    for (String name : only) {
      if (Checks.all().stream().noneMatch(check -> isNamed(check, name))) {
        throw wrong("There is no check \"" + name + "\": --list names them.");
      }
    }
    return Checks.all().stream()
        .filter(check -> only.isEmpty() || only.stream().anyMatch(name -> isNamed(check, name)))
        .toList();
  }

  private static boolean isNamed(Check check, String name) {
    return check.id().equals(name) || check.id().startsWith(name + ".");
  }

  private void validate() {
    if (plugin == null || config == null) {
      throw wrong("Which plugin, and with which configuration? Name --plugin and --config.");
    }
    if (!Files.isExecutable(plugin) || Files.isDirectory(plugin)) {
      throw wrong("There is no program " + plugin + ".");
    }
    if (parallel < 1 || rounds < 1 || poolLimit < 1 || timeoutSeconds < 1) {
      throw wrong("--parallel, --rounds, --pool-limit and --timeout want 1 or more.");
    }
    if ((breakIt == null) != (mendIt == null)) {
      throw wrong("--break and --mend go together.");
    }
    versions.forEach(this::version);
    if (!Namespaces.exists(host)
        && !host.equals(Kit.Target.OWN)
        && !host.equals(Kit.Target.CURRENT)) {
      throw wrong("There is no network namespace " + host + ": \"ip netns list\" names them.");
    }
  }

  private ParameterException wrong(String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }

  private static void needRoot() throws IOException {
    if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
      throw new IOException("Plugins change network namespaces, which needs root: run it as root.");
    }
  }
}
