// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.cni.Installation;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where a container runtime looks for plugins and networks. */
public final class CniFolders {
  @Option(
      names = "--bin-dir",
      paramLabel = "DIR",
      defaultValue = "/opt/cni/bin",
      description = "Where the runtime looks for plugins (default: ${DEFAULT-VALUE}).")
  private Path binaries;

  @Option(
      names = "--conf-dir",
      paramLabel = "DIR",
      defaultValue = "/etc/cni/net.d",
      description = "Where the runtime looks for networks (default: ${DEFAULT-VALUE}).")
  private Path configurations;

  Installation installation() {
    return Installation.in(binaries, configurations);
  }
}
