// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.daemon.Daemon;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the agent in the foreground. */
@Command(
    name = "agent",
    description = {
      "Join the overlay and follow the other hosts, until stopped.",
      "Ctrl-C leaves the network and removes everything; SIGTERM does what the configuration's"
          + " \"stop\" says; SIGHUP reads the configuration again; if it is killed, packets keep"
          + " flowing."
    })
public final class AgentCommand implements Runnable {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      required = true,
      description = "The configuration, in YAML.")
  private Path config;

  @Option(
      names = "--ready-file",
      paramLabel = "FILE",
      description = "Written when the agent is ready, with the line that it prints then.")
  private Path readyFile;

  @Option(
      names = "--wait",
      description = "Wait for the underlay's interface and address, where they are not there yet.")
  private boolean waitForUnderlay;

  @Option(
      names = "--take-over",
      description = "Take the place of another machine that lives under this host's name.")
  private boolean takeOver;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    Daemon.run(
        new Daemon.Start(
            config.toAbsolutePath().normalize(),
            Optional.ofNullable(readyFile),
            waitForUnderlay,
            takeOver),
        line -> {
          spec.commandLine().getOut().println(line);
          spec.commandLine().getOut().flush();
        });
  }
}
