// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.InterfaceExistsException;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * An endpoint that was asked for.
 *
 * @param made false when it was there already
 */
record Attached(Endpoint endpoint, boolean made) {
  /**
   * Who asks again for what is there is answered; who asks for something else is not.
   *
   * @throws InterfaceExistsException for another address or label than it has
   */
  static Attached again(Endpoint there, ContainerEnd asked, List<InetAddress> wanted) {
    Optional<ContainerLabel> has = there.container().flatMap(ContainerEnd::label);
    boolean otherLabel = asked.label().isPresent() && !asked.label().equals(has);
    if (there.addresses().containsAll(wanted) && !otherLabel) {
      return new Attached(there, false);
    }
    throw new InterfaceExistsException(
        "The interface "
            + asked.interfaceName()
            + " of "
            + asked.netns()
            + " is in the overlay already, with "
            + texts(there.addresses())
            + has.map(label -> " and the label " + label).orElse(" and no label")
            + ", and "
            + (otherLabel ? "the label " + asked.label().get() : texts(wanted))
            + " was asked for: ask for what it has, detach it first, or choose another name.");
  }

  private static String texts(List<InetAddress> addresses) {
    return addresses.stream().map(IpAddresses::text).collect(Collectors.joining(" and "));
  }

  /** Takes back what was made, and leaves what was there. */
  void undo(LocalContainers containers) {
    if (made) {
      containers.detach(endpoint.address());
    }
  }
}
