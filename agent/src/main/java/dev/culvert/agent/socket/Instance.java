// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.config.AgentConfig;
import java.nio.file.Path;

/**
 * One agent on this machine, running or not, by where its things lie.
 *
 * @param bpffs where the bpf file system is
 * @param pins {@code <bpffs>/culvert/<host>}
 * @param socket {@code <runDirectory>/<host>.sock}
 * @param lock {@code <runDirectory>/<host>.lock}
 */
public record Instance(String host, Path bpffs, Path pins, Path socket, Path lock) {
  /** Where a host's things lie. */
  public static Instance of(Path bpffs, Path runDirectory, String host) {
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
   * The bpf file system reserves dots (kernel/bpf/inode.c, bpf_lookup); no host name has an
   * underscore.
   */
  static String pinName(String host) {
    return host.replace('.', '_');
  }

  /** The host name behind a folder of pins. */
  public static String hostOf(String pinName) {
    return pinName.replace('_', '.');
  }
}
