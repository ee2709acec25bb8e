// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What may have one value of each IP family. */
final class Families {
  private Families() {}

  /**
   * IPv4 first.
   *
   * @throws IllegalArgumentException for none, or two of one family
   */
  static List<InetAddress> sorted(List<InetAddress> addresses) {
    List<InetAddress> sorted =
        addresses.stream().sorted(Comparator.comparing(a -> !Layouts.isIpv4(a))).toList();
    if (sorted.isEmpty()
        || sorted.stream().map(Layouts::isIpv4).distinct().count() < sorted.size()) {
      throw new IllegalArgumentException(
          "One address is needed, or one of each IP family, not "
              + sorted.stream().map(IpAddresses::text).collect(Collectors.joining(", ", "[", "]"))
              + ".");
    }
    return sorted;
  }
}
