// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What {@link Datapath#start} set, kept beside the pins so that the maps can be read without the
 * agent.
 *
 * @param underlay name of the underlay interface
 */
public record Identity(Vni vni, Vtep vtep, InetAddress gateway, IpPrefix network, String underlay) {
  /** One line, {@code name=value} separated by semicolons. */
  String toText() {
    return "vni="
        + vni
        + ";address="
        + vtep.address().getHostAddress()
        + ";port="
        + vtep.port()
        + ";mac="
        + vtep.mac()
        + ";gateway="
        + gateway.getHostAddress()
        + ";network="
        + network
        + ";underlay="
        + underlay;
  }

  /**
   * Reads {@link #toText()}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static Identity parse(String text) {
    Map<String, String> fields =
        Arrays.stream(text.split(";"))
            .map(field -> field.split("=", 2))
            .filter(pair -> pair.length == 2)
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1], (a, b) -> b));
    if (!fields
        .keySet()
        .containsAll(
            java.util.List.of("vni", "address", "port", "mac", "gateway", "network", "underlay"))) {
      throw new IllegalArgumentException("\"" + text + "\" does not describe a tunnel end.");
    }
    return new Identity(
        new Vni(Integer.parseInt(fields.get("vni"))),
        new Vtep(
            IpPrefix.parseAddress(fields.get("address")),
            Integer.parseInt(fields.get("port")),
            MacAddress.parse(fields.get("mac"))),
        IpPrefix.parseAddress(fields.get("gateway")),
        IpPrefix.parse(fields.get("network")),
        fields.get("underlay"));
  }
}
