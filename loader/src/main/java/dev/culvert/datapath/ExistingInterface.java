// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A wish: let a container into the overlay by the veth pair that somebody else made for it.
 *
 * @param container the namespace, such as {@code /proc/PID/ns/net}, the container's end of the
 *     pair, usually {@code eth0}, and what the caller calls the container
 * @param subnets this host's own, of one VNI: the interface has an address in each or some of them
 */
public record ExistingInterface(ContainerEnd container, List<Subnet> subnets) {
  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException for no subnet
   */
  public ExistingInterface {
    Objects.requireNonNull(container, "container");
    Objects.requireNonNull(subnets, "subnets");
    subnets = List.copyOf(subnets);
    if (subnets.isEmpty()) {
      throw new IllegalArgumentException("An interface needs a subnet to have its address in.");
    }
  }

  /** {@return the container's namespace} */
  public Path netns() {
    return container.netns();
  }

  /** {@return the container's end of the pair} */
  public InterfaceName interfaceName() {
    return container.interfaceName();
  }

  /** {@return the network of the subnets, the same for both families} */
  public Vni vni() {
    return subnets.getFirst().vni();
  }
}
