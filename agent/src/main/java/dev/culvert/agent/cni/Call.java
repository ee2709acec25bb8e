// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.kernel.InterfaceName;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The variables of one call (spec, section 2).
 *
 * @param container empty for commands that are about no single one
 * @param interfaceName as container
 * @param netns empty where the runtime did not say it, as DEL may
 * @param arguments CNI_ARGS
 */
record Call(
    Command command,
    Optional<String> container,
    Optional<InterfaceName> interfaceName,
    Optional<Path> netns,
    Arguments arguments) {

  /**
   * @throws CniException with the names of all variables that are wrong
   */
  static Call parse(Map<String, String> environment) {
    Command command =
        Command.parse(environment.getOrDefault("CNI_COMMAND", ""))
            .orElseThrow(() -> invalid(List.of("CNI_COMMAND")));
    Optional<String> container = said(environment, "CNI_CONTAINERID");
    Optional<String> interfaceName = said(environment, "CNI_IFNAME");
    Optional<Path> netns = said(environment, "CNI_NETNS").flatMap(Call::path);
    if (command.isAboutOne()) {
      List<String> wrong = new ArrayList<>();
      if (container.filter(AttachmentName::isName).isEmpty()) {
        wrong.add("CNI_CONTAINERID");
      }
      if (interfaceName.filter(InterfaceName::isValid).isEmpty()) {
        wrong.add("CNI_IFNAME");
      }
      if (netns.isEmpty() && command != Command.DEL) {
        wrong.add("CNI_NETNS");
      }
      if (!wrong.isEmpty()) {
        throw invalid(wrong);
      }
    }
    return new Call(
        command,
        container,
        interfaceName.filter(InterfaceName::isValid).map(InterfaceName::new),
        netns,
        command == Command.ADD
            ? Arguments.parse(environment.getOrDefault("CNI_ARGS", ""))
            : Arguments.NONE);
  }

  /** What it is about, in the network of that name. */
  AttachmentName attachment(String network) {
    return new AttachmentName(network, container.orElseThrow(), interfaceName.orElseThrow());
  }

  private static Optional<String> said(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).filter(text -> !text.isEmpty());
  }

  /** Absolute, since the agent has another working directory than the plugin. */
  private static Optional<Path> path(String text) {
    try {
      return Optional.of(Path.of(text)).filter(Path::isAbsolute);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static CniException invalid(List<String> variables) {
    return new CniException(
        CniCode.INVALID_ENVIRONMENT,
        "These variables are missing or not what CNI wants them to be: "
            + String.join(", ", variables)
            + ".");
  }
}
