// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.agent.UserException;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.control.HistoryInvariants;
import dev.culvert.control.HistoryMember;
import dev.culvert.control.HostName;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.lab.AgentProcess;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Namespaces;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Running;
import dev.culvert.lab.Shell;
import dev.culvert.store.etcd.EtcdConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A host in a namespace, with an agent as it is installed, the kernel's tables and a container. */
final class RealHost implements HistoryMember {
  private static final Duration START = Duration.ofMinutes(5);
  private static final Duration ANSWER = Duration.ofSeconds(20);

  final String namespace;
  final String container;
  private final int number;
  private final Path folder;
  private final Shell shell;
  private Running agent;
  private volatile boolean frozen;

  /**
   * @param number which also says which subnet it wants: 10.244.NUMBER.0/24
   */
  RealHost(Shell shell, String namespace, int number, Path folder) {
    this.shell = shell;
    this.namespace = namespace;
    this.container = namespace + "-c";
    this.number = number;
    this.folder = folder;
  }

  /**
   * @param secured what goes behind the endpoints
   */
  void configure(EtcdConfig etcd, String secured, Duration lease, String network) {
    String endpoints =
        etcd.endpoints().stream().map(URI::toString).collect(Collectors.joining("\", \""));
    String text =
        """
        host: %s
        network: %s
        subnet: 10.244.%d.0/24
        directRouting: false
        leaseDuration: %ds
        underlay: {interface: eth0}
        store:
          etcd: {endpoints: ["%s"]%s}
        runDirectory: %s
        stateDirectory: %s
        """
            .formatted(
                namespace, network, number, lease.toSeconds(), endpoints, secured, folder, folder);
    try {
      Files.writeString(config(), text);
    } catch (IOException e) {
      throw new LabException("Cannot write " + config() + ": " + e.getMessage() + ".", e);
    }
  }

  private Path config() {
    return folder.resolve(namespace + ".yaml");
  }

  private Path ready() {
    return folder.resolve(namespace + ".ready");
  }

  private Path log() {
    return folder.resolve(namespace + ".log");
  }

  String address() {
    return "10.244." + number + ".2";
  }

  /** Does not wait for it. */
  void launch() {
    try {
      Files.deleteIfExists(ready());
    } catch (IOException e) {
      throw new LabException("Cannot remove " + ready() + ": " + e.getMessage() + ".", e);
    }
    agent =
        shell.start(
            culvert("agent", "--config", config().toString(), "--ready-file", ready().toString()),
            log());
  }

  void awaitReady() {
    if (!isReady()) {
      throw new LabException("The agent of " + namespace + " ended: " + agent.log());
    }
  }

  /** Waits for it; not where it ended. */
  boolean isReady() {
    Patience.until(
        "the agent of " + namespace + " to be ready; its log: " + log(),
        START,
        () -> Files.exists(ready()) || !agent.alive());
    return agent.alive();
  }

  private Command culvert(String... arguments) {
    return Command.of(List.of(AgentProcess.culvert(arguments).toArray(String[]::new)))
        .in(namespace)
        .within(START);
  }

  void attach() {
    var _ =
        ask(
            Map.of(
                "request",
                "attach",
                "netns",
                Namespaces.path(container).toString(),
                "interface",
                "eth0",
                "addresses",
                List.of(address())));
  }

  /**
   * As {@link #attach}.
   *
   * @return false where the host is not sure of its subnet, and so takes nobody
   */
  boolean attachUnlessCutOff() {
    try {
      if (!forwards().isEmpty()) {
        attach();
        return true;
      }
    } catch (UserException e) {
      if (!forwards().isEmpty()) {
        throw e;
      }
    }
    return false;
  }

  void kill() {
    agent.kill();
  }

  /** What the kernel forgets when it reboots, besides its namespaces. */
  void forget() {
    Path pins = pins();
    try (Stream<Path> all = Files.walk(pins)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException e) {
      throw new LabException("Cannot remove " + pins + ": " + e + ".", e);
    }
  }

  /** Whether its container gets an answer from another's. */
  boolean reaches(RealHost other) {
    Command ping = Command.of("ping", "-n", "-c", "1", "-W", "1", other.address());
    return shell.run(ping.in(container)).exitCode() == 0;
  }

  void freeze() {
    frozen = true;
    signal("STOP");
  }

  void thaw() {
    signal("CONT");
    frozen = false;
  }

  /** Whether its agent runs, and runs on. */
  boolean isAwake() {
    return agent != null && agent.alive() && !frozen && Files.exists(ready());
  }

  private void signal(String signal) {
    Command kill = Command.of("sh", "-c", "kill -" + signal + " " + agent.pid());
    shell.check(kill.within(Links.PATIENCE));
  }

  /** Removes all that was made on it; for who ends. */
  void leave() {
    if (agent != null) {
      agent.kill();
      var _ = shell.run(culvert("leave", "--config", config().toString()));
    }
  }

  private Map<String, Object> ask(Map<String, Object> request) {
    ControlClient client = new ControlClient(folder.resolve(namespace + ".sock"));
    return switch (client.ask(request, ANSWER)) {
      case ControlClient.Reply.Answer(Map<String, Object> fields) -> fields;
      case ControlClient.Reply.None(ControlClient.Silence reason) ->
          throw new LabException("The agent of " + namespace + " does not answer: " + reason);
    };
  }

  private Datapath.State kernel() {
    return EbpfDatapath.inspect(Libc.system(), pins()).state();
  }

  private Path pins() {
    return BpfFileSystem.DEFAULT.resolve("culvert").resolve(namespace);
  }

  @Override
  public HostName name() {
    return new HostName(namespace);
  }

  @Override
  public Optional<Subnet> own() {
    return Optional.of(new Subnet(new Vni(1), IpPrefix.parse("10.244." + number + ".0/24")));
  }

  @Override
  public Set<Subnet> forwards() {
    return kernel().locals().stream().map(LocalSubnet::subnet).collect(Collectors.toSet());
  }

  @Override
  public List<String> table() {
    return HistoryInvariants.table(kernel().remotes());
  }

  /** Also that it says nothing. */
  @Override
  public List<String> problems() {
    if (!isAwake()) {
      return List.of();
    }
    try {
      List<String> problems = new ArrayList<>();
      if (ask(Map.of("request", "status")).get("problems") instanceof List<?> told) {
        told.forEach(each -> problems.add(each.toString()));
      }
      return problems;
    } catch (UserException e) {
      return List.of(e.getMessage());
    }
  }
}
