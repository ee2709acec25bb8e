// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.util.List;

/**
 * A wish: let a container into the overlay by the veth pair that somebody else made for it.
 *
 * @param netns the container's namespace, such as {@code /proc/PID/ns/net}
 * @param interfaceName the container's end of the pair, usually {@code eth0}
 * @param subnets this host's own, of one VNI: the interface has an address in each or some of them
 */
public record ExistingInterface(Path netns, InterfaceName interfaceName, List<Subnet> subnets) {
  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException for no subnet
   */
  public ExistingInterface {
    subnets = List.copyOf(subnets);
    if (subnets.isEmpty()) {
      throw new IllegalArgumentException("An interface needs a subnet to have its address in.");
    }
  }

  /** {@return the network of the subnets, the same for both families} */
  public Vni vni() {
    return subnets.getFirst().vni();
  }
}
