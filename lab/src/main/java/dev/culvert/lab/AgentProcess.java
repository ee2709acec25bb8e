// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.agent.socket.ControlClient;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A real agent, in a host's namespace: the same program that a machine would run. */
public final class AgentProcess implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(40);
  private static final Duration ANSWER = Duration.ofSeconds(10);
  private static final Path RUN = Path.of("/run/culvert");

  private final Lab lab;
  private final LabPlan.Host host;
  private final Path config;
  private final Path ready;
  private final Path log;
  private Running process;

  private AgentProcess(Lab lab, LabPlan.Host host, Path config) {
    this.lab = lab;
    this.host = host;
    this.config = config;
    this.ready = lab.file(host.instance() + ".ready");
    this.log = lab.file(host.instance() + ".log");
  }

  /**
   * Starts one; {@link #awaitReady} tells when it works.
   *
   * @param settings of the configuration file, on top of what every host of the lab has
   */
  public static AgentProcess start(Lab lab, LabPlan.Host host, Map<String, String> settings) {
    claim(lab, host);
    Path config = lab.file(host.instance() + ".yaml");
    try {
      Files.writeString(config, yaml(lab, host, settings));
    } catch (IOException e) {
      throw new LabException("Cannot write " + config + ": " + e.getMessage() + ".", e);
    }
    AgentProcess agent = new AgentProcess(lab, host, config);
    agent.start();
    return agent;
  }

  private static void claim(Lab lab, LabPlan.Host host) {
    Path pins = BpfFileSystem.DEFAULT.resolve("culvert");
    lab.state()
        .claimPaths(
            List.of(
                pins.resolve(host.instance()),
                RUN.resolve(host.instance() + ".sock"),
                RUN.resolve(host.instance() + ".lock")));
    lab.state().claimEmptyFolders(Stream.of(pins, RUN).toList());
    lab.needBpfFileSystem();
  }

  static String yaml(Lab lab, LabPlan.Host host, Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("host", host.instance());
    all.put("network", LabPlan.NETWORK);
    all.put("underlay", "{interface: " + Topology.DEVICE + ", address: " + host.address() + "}");
    all.put("store", "{directory: " + lab.file(leases(host)) + "}");
    all.put("bpffs", BpfFileSystem.DEFAULT.toString());
    all.put("runDirectory", RUN.toString());
    all.put("stop", "leave");
    all.putAll(settings);
    return all.entrySet().stream()
        .map(entry -> entry.getKey() + ": " + entry.getValue() + "\n")
        .collect(Collectors.joining());
  }

  /** A folder for the agents of one topology: "leases", or "x-routes-leases". */
  private static String leases(LabPlan.Host host) {
    return host.instance().replaceFirst(Pattern.quote(host.name()) + "$", "leases");
  }

  private void start() {
    try {
      Files.deleteIfExists(ready);
    } catch (IOException e) {
      throw new LabException("Cannot remove " + ready + ": " + e.getMessage() + ".", e);
    }
    // A session of its own: Ctrl-C is for the lab, which then stops its agents in order.
    List<String> words = new ArrayList<>(List.of("setsid"));
    words.addAll(Namespaces.enter(host.namespace()));
    words.addAll(culvert("agent", "--config", config.toString()));
    words.addAll(List.of("--ready-file", ready.toString()));
    process = lab.shell().start(Command.of(words), log);
  }

  /** The words that run a culvert command, as the launcher runs it: java.sh knows the flags. */
  public static List<String> culvert(String... arguments) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "bash",
                "-c",
                ". \"$0\" && exec_culvert \"$@\"",
                javaScript().toString(),
                System.getProperty("java.home"),
                classes()));
    words.addAll(List.of(arguments));
    return words;
  }

  /** The agent's jar, which has a class cache, as the launcher names it; else our own classes. */
  private static String classes() {
    String jar = System.getProperty("culvert.agent.jar");
    return jar != null
        ? jar
        : Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .collect(Collectors.joining(File.pathSeparator));
  }

  /** The lab is part of the source tree alone, so that it is somewhere above our classes. */
  private static Path javaScript() {
    URL home = AgentProcess.class.getProtectionDomain().getCodeSource().getLocation();
    return Stream.iterate(Path.of(URI.create(home.toString())), Objects::nonNull, Path::getParent)
        .map(folder -> folder.resolve("scripts/java.sh"))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> new LabException("No scripts/java.sh is above " + home + "."));
  }

  /**
   * Waits until it says that it works.
   *
   * @throws LabException with the last line of its log when it does not
   */
  public void awaitReady() {
    boolean up =
        Patience.holdsWithin(START, () -> Files.exists(ready) || !process.alive())
            && Files.exists(ready);
    if (!up) {
      String last = process.log().strip().lines().reduce((a, b) -> b).orElse("its log is empty");
      throw new LabException(
          "The agent of %s did not become ready: %s".formatted(host.name(), last));
    }
  }

  /**
   * Waits until it has heard of other hosts: one that is ready knows those that came before it.
   *
   * @param hosts how many
   */
  public void awaitOthers(int hosts) {
    Patience.until(
        "the agent of %s to know the subnets of %d other hosts".formatted(host.name(), hosts),
        ANSWER,
        () -> {
          Map<String, Object> status = ask(Map.of("request", "status"));
          int known = ((Number) status.get("remotes")).intValue();
          int leases = ((List<?>) status.get("leases")).size();
          return known >= hosts * leases && ((List<?>) status.get("pending")).isEmpty();
        });
  }

  public LabPlan.Host host() {
    return host;
  }

  public long pid() {
    return process.pid();
  }

  public boolean alive() {
    return process.alive();
  }

  /** Its answer to a request on the control socket. */
  public Map<String, Object> ask(Map<String, Object> request) {
    ControlClient client = new ControlClient(RUN.resolve(host.instance() + ".sock"));
    return switch (client.ask(request, ANSWER)) {
      case ControlClient.Reply.Answer(Map<String, Object> fields) -> fields;
      case ControlClient.Reply.None(ControlClient.Silence reason) ->
          throw new LabException(
              "The agent of %s does not answer (%s); its log is %s."
                  .formatted(host.name(), reason, log));
    };
  }

  /** Gives a container its interface and its planned addresses. */
  public void attach(LabPlan.Container container) {
    var _ =
        ask(
            Map.of(
                "request",
                "attach",
                "netns",
                Namespaces.path(container.namespace()).toString(),
                "interface",
                Topology.DEVICE,
                "addresses",
                container.addresses()));
  }

  /** SIGKILL: the control plane dies, the datapath must not. */
  public void kill() {
    process.kill();
  }

  /** Starts it anew after {@link #kill}. */
  public void restart() {
    start();
    awaitReady();
  }

  /** Lets it live on when the lab's process ends. */
  public void detach() {
    process.detach();
  }

  /** It leaves the network and ends: its configuration says "stop: leave". */
  @Override
  public void close() {
    process.close();
  }
}
