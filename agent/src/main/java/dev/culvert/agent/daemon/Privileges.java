// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What this process may do, by its effective capabilities (capabilities(7), linux/capability.h).
 *
 * <p>CAP_SYS_ADMIN is what entering a container's namespace takes (setns(2)); it includes CAP_BPF
 * and CAP_PERFMON, without which the verifier refuses our programs' packet pointers. So CAP_BPF and
 * CAP_NET_ADMIN alone load nothing, and CAP_PERFMON besides attaches nothing.
 */
public final class Privileges {
  private static final int CAP_NET_ADMIN = 12;
  private static final int CAP_SYS_ADMIN = 21;

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
    if (!has(effective, CAP_SYS_ADMIN)) {
      missing.add("CAP_SYS_ADMIN");
    }
    return missing;
  }

  private static boolean has(long effective, int capability) {
    return (effective >>> capability & 1) == 1;
  }
}
