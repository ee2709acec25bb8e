// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * The container's end of an interface, as it was asked for.
 *
 * @param netns the namespace, such as {@code /run/netns/NAME} or {@code /proc/PID/ns/net}; the path
 *     may lead to another namespace by now
 * @param interfaceName in there, usually {@code eth0}
 * @param label what the caller calls the container
 */
public record ContainerEnd(
    Path netns, InterfaceName interfaceName, Optional<ContainerLabel> label) {
  /** Checks that all is there. */
  public ContainerEnd {
    Objects.requireNonNull(netns, "netns");
    Objects.requireNonNull(interfaceName, "interfaceName");
    Objects.requireNonNull(label, "label");
  }

  /**
   * Without a label.
   *
   * @param netns the namespace
   * @param interfaceName in there
   */
  public ContainerEnd(Path netns, InterfaceName interfaceName) {
    this(netns, interfaceName, Optional.empty());
  }

  @Override
  public String toString() {
    return interfaceName + " of " + netns + label.map(name -> " (" + name + ")").orElse("");
  }
}
