// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What {@link Datapath#start} set, kept beside the pins so that the maps can be read without the
 * agent.
 *
 * @param gateways one for each IP family that is used, IPv4 first
 * @param underlay name of the underlay interface
 */
public record Identity(Vni vni, Vtep vtep, List<Gateway> gateways, String underlay) {
  private static final Set<String> FIELDS =
      Set.of("vni", "address", "port", "mac", "gateway", "network", "underlay");

  /**
   * @throws IllegalArgumentException for no gateway, or two of one family
   */
  public Identity {
    gateways = Gateway.sorted(gateways);
  }

  /** Whether the subnet with that prefix is this host's own. */
  boolean owns(IpPrefix prefix) {
    return gateways.stream().map(Gateway::address).anyMatch(prefix::contains);
  }

  /** The overlay networks, one for each family. */
  public List<IpPrefix> networks() {
    return gateways.stream().map(Gateway::network).toList();
  }

  /**
   * One line, {@code name=value} separated by semicolons; gateways and networks by commas, in the
   * same order.
   */
  String toText() {
    return "vni="
        + vni
        + ";address="
        + IpAddresses.text(vtep.address())
        + ";port="
        + vtep.port()
        + ";mac="
        + vtep.mac()
        + ";gateway="
        + joined(gateway -> IpAddresses.text(gateway.address()))
        + ";network="
        + joined(gateway -> gateway.network().toString())
        + ";underlay="
        + underlay;
  }

  private String joined(Function<Gateway, String> text) {
    return gateways.stream().map(text).collect(Collectors.joining(","));
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
    if (!fields.keySet().containsAll(FIELDS)) {
      throw new IllegalArgumentException("\"" + text + "\" does not describe a tunnel end.");
    }
    return new Identity(
        new Vni(Integer.parseInt(fields.get("vni"))),
        new Vtep(
            IpPrefix.parseAddress(fields.get("address")),
            Integer.parseInt(fields.get("port")),
            MacAddress.parse(fields.get("mac"))),
        gateways(fields.get("gateway").split(",", -1), fields.get("network").split(",", -1)),
        fields.get("underlay"));
  }

  private static List<Gateway> gateways(String[] addresses, String[] networks) {
    List<Gateway> gateways = new ArrayList<>();
    for (int i = 0; i < Math.min(addresses.length, networks.length); i++) {
      InetAddress address = IpPrefix.parseAddress(addresses[i]);
      gateways.add(new Gateway(address, IpPrefix.parse(networks[i])));
    }
    return gateways;
  }
}
