// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Network namespaces as people name them. */
final class Namespaces {
  // Where ip-netns(8) keeps its names.
  private static final Path NAMED = Path.of("/run/netns");

  private Namespaces() {}

  /**
   * The path of a namespace, absolute, since the agent has another working directory.
   *
   * @param text a name, a path or a process number
   * @throws UserException when it is not there
   */
  static Path path(String text) {
    return path(text, NAMED);
  }

  static Path path(String text, Path named) {
    if (text.contains("/")) {
      Path path = Path.of(text).toAbsolutePath().normalize();
      if (!Files.exists(path)) {
        throw new UserException("There is no network namespace " + path + ".");
      }
      return path;
    }
    Path byName = named.resolve(text);
    if (Files.exists(byName)) {
      return byName;
    }
    Path byProcess = Path.of("/proc", text, "ns", "net");
    if (text.matches("\\d+") && Files.exists(byProcess)) {
      return byProcess;
    }
    throw new UserException(
        "There is no network namespace %s (looked for %s); \"ip netns list\" shows those that there are."
            .formatted(text, byName));
  }
}
