// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.IpFamily;

/** What there is one of for each IP family, such as the maps of endpoints. */
record ByFamily<T>(T ipv4, T ipv6) {
  T of(IpFamily family) {
    return switch (family) {
      case IPV4 -> ipv4;
      case IPV6 -> ipv6;
    };
  }
}
