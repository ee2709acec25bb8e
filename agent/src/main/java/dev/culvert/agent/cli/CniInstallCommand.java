// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.cni.Installation;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Gives a container runtime the plugin and a network. */
@Command(
    name = "install",
    description = "Write the plugin and a network that uses it, where a container runtime looks.")
public final class CniInstallCommand implements Runnable {
  @Option(
      names = "--network",
      paramLabel = "NAME",
      defaultValue = "culvert",
      description = "What the runtime calls the network (default: ${DEFAULT-VALUE}).")
  private String network;

  @Mixin private CniFolders folders;
  @Mixin private HostOptions host;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    Installation installation = folders.installation();
    installation.install(network, host.instance().socket().toAbsolutePath());
    out.println("installed " + installation.program());
    out.println("installed " + installation.list());
  }
}
