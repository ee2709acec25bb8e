// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A wish: give this network namespace an interface in the overlay.
 *
 * @param vni the network
 * @param container the namespace, what the interface is called there, and a label to keep with it
 * @param addresses one, or one of each IP family, IPv4 first
 * @param mtuBytes of the container's interface
 */
public record Attachment(Vni vni, ContainerEnd container, List<Address> addresses, int mtuBytes) {
  /**
   * An address of the container.
   *
   * @param address in a subnet of this host
   * @param gateway the address that the container's default route points to; this host answers for
   *     it
   */
  public record Address(InetAddress address, InetAddress gateway) {
    /**
     * Checks the two.
     *
     * @throws IllegalArgumentException when the two are of different families
     */
    public Address {
      Objects.requireNonNull(address, "address");
      Objects.requireNonNull(gateway, "gateway");
      if (IpFamily.of(address) != IpFamily.of(gateway)) {
        throw new IllegalArgumentException(
            "The gateway "
                + IpAddresses.text(gateway)
                + " is of another IP family than the address "
                + IpAddresses.text(address)
                + ".");
      }
    }
  }

  /**
   * Sorts the addresses.
   *
   * @throws IllegalArgumentException for no address, or two of one family
   */
  public Attachment {
    Objects.requireNonNull(addresses, "addresses");
    addresses = IpFamily.sorted(addresses, Address::address);
  }

  /** {@return the container's namespace} */
  public Path netns() {
    return container.netns();
  }

  /** {@return what the interface is called in there} */
  public InterfaceName interfaceName() {
    return container.interfaceName();
  }

  /** {@return the first address, by which the interface is known} */
  public InetAddress address() {
    return addresses.getFirst().address();
  }
}
