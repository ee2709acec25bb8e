// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.config.AgentConfig;
import dev.culvert.control.HostName;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One agent on this machine, running or not, by where its things lie.
 *
 * @param bpffs where the bpf file system is
 * @param pins {@code <bpffs>/culvert/<host>}
 * @param socket {@code <runDirectory>/<host>.sock}
 * @param lock {@code <runDirectory>/<host>.lock}
 */
public record Instance(HostName host, Path bpffs, Path pins, Path socket, Path lock) {
  /** Where a host's things lie. */
  public static Instance of(Path bpffs, Path runDirectory, HostName host) {
    return new Instance(
        host,
        bpffs,
        folder(bpffs).resolve(pinName(host)),
        runDirectory.resolve(host + ".sock"),
        runDirectory.resolve(host + ".lock"));
  }

  public static Instance of(AgentConfig config) {
    return of(config.bpffs(), config.runDirectory(), config.host());
  }

  /** Where all hosts' pins lie. */
  public static Path folder(Path bpffs) {
    return bpffs.resolve("culvert");
  }

  /**
   * The bpf file system reserves dots (kernel/bpf/inode.c, bpf_lookup), so they become underscores,
   * and underscores become what no host's name has.
   */
  static String pinName(HostName host) {
    return host.text().replace('_', '+').replace('.', '_');
  }

  /** The host name behind a folder of pins; empty for a folder that is none of ours. */
  public static Optional<HostName> hostOf(String pinName) {
    String text = pinName.replace('_', '.').replace('+', '_');
    return HostName.isValid(text) ? Optional.of(new HostName(text)) : Optional.empty();
  }
}
