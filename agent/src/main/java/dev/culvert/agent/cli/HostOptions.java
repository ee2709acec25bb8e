// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.socket.Instance;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which host's agent a command is about; one machine can run several. */
public final class HostOptions {
  @Option(
      names = "--host",
      paramLabel = "NAME",
      description = "The host name of the agent; not needed where only one is.")
  private String host;

  @Option(
      names = "--bpffs",
      paramLabel = "DIR",
      defaultValue = "/sys/fs/bpf",
      description = "Where the bpf file system is (default: ${DEFAULT-VALUE}).")
  private Path bpffs;

  @Option(
      names = "--run-directory",
      paramLabel = "DIR",
      defaultValue = "/run/culvert",
      description = "Where the control sockets are (default: ${DEFAULT-VALUE}).")
  private Path runDirectory;

  /** The instance that is meant. */
  Instance instance() {
    return Instances.choose(bpffs, runDirectory, Optional.ofNullable(host));
  }
}
