// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.IpAddresses;
import java.util.List;

/** The names of the files of a lease directory; what is in them is {@link LeaseText}. */
final class LeaseFile {
  /** Ends the name of each lease's file. */
  static final String SUFFIX = ".lease";

  /** Ends the name of what all hosts of a network must agree on. */
  static final String NETWORK_SUFFIX = ".network";

  private LeaseFile() {}

  /** {@code 10.244.1.0-24.lease}; colons of IPv6 become underscores. */
  static String name(Subnet subnet) {
    return stem(subnet) + SUFFIX;
  }

  /** The name for when another network uses the same addresses and has the plain name. */
  static String nameWithVni(Subnet subnet) {
    return stem(subnet) + vni(subnet) + SUFFIX;
  }

  /**
   * The names that the lease had when IPv6 was written with all its zeros: {@code
   * fd00_10_244_1_0_0_0_0-64.lease}. Such a file stays where it is; nothing is named so any more.
   */
  static List<String> formerNames(Subnet subnet) {
    String stem = stem(subnet.prefix().address().getHostAddress(), subnet);
    return List.of(stem + SUFFIX, stem + vni(subnet) + SUFFIX);
  }

  /** Where a lease that was given back is kept, so that its generation is remembered. */
  static String releasedName(Subnet subnet) {
    return "." + stem(subnet) + vni(subnet) + ".released";
  }

  /** What all hosts of a network must agree on: {@code vni-1.network}. */
  static String networkName(Vni vni) {
    return "vni-" + vni + NETWORK_SUFFIX;
  }

  private static String stem(Subnet subnet) {
    return stem(IpAddresses.text(subnet.prefix().address()), subnet);
  }

  private static String stem(String address, Subnet subnet) {
    return address.replace(':', '_') + "-" + subnet.prefix().length();
  }

  private static String vni(Subnet subnet) {
    return ".vni-" + subnet.vni();
  }
}
