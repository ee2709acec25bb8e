// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.MacAddress;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * CNI_ARGS: {@code KEY=VALUE;KEY=VALUE}, of which IP and MAC say something here. Others are wrong
 * unless IgnoreUnknown says that they are not, as with all plugins.
 *
 * @param addresses of IP, which may have several with commas between
 */
record Arguments(List<InetAddress> addresses, Optional<MacAddress> mac) {
  static final Arguments NONE = new Arguments(List.of(), Optional.empty());

  private static final Set<String> KNOWN = Set.of("IP", "MAC", "IgnoreUnknown");
  private static final Set<String> TRUE = Set.of("1", "true", "True", "TRUE", "t", "T");

  /**
   * @throws CniException for what is no such list, and for keys that mean nothing here
   */
  static Arguments parse(String text) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (String pair : text.split(";", -1)) {
      if (pair.isBlank()) {
        continue;
      }
      int equals = pair.indexOf('=');
      if (equals <= 0) {
        throw invalid("\"" + pair + "\" is no KEY=VALUE");
      }
      pairs.put(pair.substring(0, equals).strip(), pair.substring(equals + 1).strip());
    }
    Set<String> unknown = new TreeSet<>(pairs.keySet());
    unknown.removeAll(KNOWN);
    if (!unknown.isEmpty() && !TRUE.contains(pairs.getOrDefault("IgnoreUnknown", ""))) {
      throw invalid(
          "nobody here knows "
              + String.join(", ", unknown)
              + "; add IgnoreUnknown=1 where that is no mistake");
    }
    try {
      return new Arguments(
          Addresses.parse(
              Optional.ofNullable(pairs.get("IP")).filter(ip -> !ip.isEmpty()).stream()
                  .flatMap(list -> List.of(list.split(",", -1)).stream())
                  .map(String::strip)
                  .toList()),
          Optional.ofNullable(pairs.get("MAC"))
              .filter(mac -> !mac.isEmpty())
              .map(MacAddress::parse));
    } catch (RefusedException | IllegalArgumentException e) {
      throw invalid(e.getMessage());
    }
  }

  private static CniException invalid(String why) {
    return new CniException(CniCode.INVALID_ENVIRONMENT, "CNI_ARGS cannot be read: " + why + ".");
  }
}
