// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.ConfigFile;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import java.nio.file.Path;

/** The configuration that an agent of this machine was started with, which its lock remembers. */
final class KnownConfig {
  private KnownConfig() {}

  /**
   * @param otherwise the sentence for when nothing is remembered
   */
  static Path file(Instance instance, String otherwise) {
    return InstanceLock.last(instance.lock())
        .map(InstanceLock.Holder::config)
        .orElseThrow(() -> new UserException(otherwise));
  }

  /**
   * Reads it as it is now.
   *
   * @throws UserException when it is another host's by now
   */
  static AgentConfig load(Instance instance, Path file) {
    AgentConfig config = ConfigFile.load(file);
    if (!config.host().equals(instance.host())) {
      throw new UserException(
          "The configuration %s is for host %s now, not for %s; name the right one with --config FILE."
              .formatted(file, config.host(), instance.host()));
    }
    return config;
  }
}
