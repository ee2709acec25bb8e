// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What this process may do, by its effective capabilities (capabilities(7), linux/capability.h).
 */
public final class Privileges {
  private static final int CAP_NET_ADMIN = 12;
  private static final int CAP_SYS_ADMIN = 21;
  private static final int CAP_BPF = 39;

  private Privileges() {}

  /**
   * @param who begins the sentence, such as "The agent"
   * @throws UserException when the process may not load programs or configure interfaces
   */
  public static void require(String who) {
    List<String> missing = missing();
    if (!missing.isEmpty()) {
      throw new UserException(
          "%s needs root (missing: %s); run it with sudo."
              .formatted(who, String.join(", ", missing)));
    }
  }

  /**
   * As {@link #require}; a datapath without programs needs less.
   *
   * @throws UserException when the process may not do what the datapath needs
   */
  static void require(String who, AgentConfig.Kind datapath) {
    if (datapath == AgentConfig.Kind.EBPF) {
      require(who);
    } else if (missing().contains("CAP_NET_ADMIN")) {
      throw new UserException(who + " needs root (missing: CAP_NET_ADMIN); run it with sudo.");
    }
  }

  /** Names of the capabilities that are needed and not there; empty when one cannot tell. */
  public static List<String> missing() {
    try {
      return missing(Files.readString(Path.of("/proc/self/status")));
    } catch (IOException e) {
      return List.of();
    }
  }

  /**
   * @param status the text of /proc/PID/status
   */
  static List<String> missing(String status) {
    List<String> missing = new ArrayList<>();
    long effective =
        status
            .lines()
            .filter(line -> line.startsWith("CapEff:"))
            .map(line -> Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16))
            .findFirst()
            .orElse(-1L);
    if (!has(effective, CAP_NET_ADMIN)) {
      missing.add("CAP_NET_ADMIN");
    }
    if (!has(effective, CAP_BPF) && !has(effective, CAP_SYS_ADMIN)) {
      missing.add("CAP_BPF");
    }
    return missing;
  }

  private static boolean has(long effective, int capability) {
    return (effective >>> capability & 1) == 1;
  }
}
