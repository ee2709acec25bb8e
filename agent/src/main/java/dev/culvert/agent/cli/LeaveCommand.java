// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.ConfigFile;
import dev.culvert.agent.daemon.Departure;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.agent.socket.ControlClient.Reply;
import dev.culvert.agent.socket.ControlClient.Silence;
import dev.culvert.agent.socket.Instance;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Takes a host out of the network. */
@Command(
    name = "leave",
    description = {
      "Leave the network: release the lease and remove programs, pins, devices and routes.",
      "Where the agent is dead, this command does it, by the configuration that the agent had."
    })
public final class LeaveCommand implements Runnable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @Mixin private HostOptions host;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "The agent's configuration (default: the one that it was started with).")
  private Path configFile;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    Optional<AgentConfig> given = Optional.ofNullable(configFile).map(ConfigFile::load);
    Instance instance = given.map(Instance::of).orElseGet(() -> host.instance());
    switch (new ControlClient(instance.socket()).ask(Map.of("request", "leave"), PATIENCE)) {
      case Reply.Answer ignored ->
          out.println(instance.host() + " left: its lease is released, everything is removed");
      case Reply.None(Silence reason) when reason == Silence.NOT_ANSWERING ->
          throw new UserException(
              "The agent of host %s runs but did not answer within %d s; stop it with kill -9, then run this again."
                  .formatted(instance.host(), PATIENCE.toSeconds()));
      case Reply.None ignored -> {
        Path file = given.isPresent() ? configFile : lastConfig(instance);
        out.println("the agent of host " + instance.host() + " is not running; leaving without it");
        out.flush();
        Departure.run(given.orElseGet(() -> KnownConfig.load(instance, file)), file, out::println);
      }
    }
  }

  private static Path lastConfig(Instance instance) {
    return KnownConfig.file(
        instance,
        "The agent of host %s is not running and left no word of its configuration; name it with --config FILE."
            .formatted(instance.host()));
  }
}
