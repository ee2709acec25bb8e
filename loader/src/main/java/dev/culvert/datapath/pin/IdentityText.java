// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.pin;

import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.Wire;
import dev.culvert.datapath.Wires;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * An {@link Identity} on one line: {@code name=value} separated by semicolons; gateways and
 * networks by commas, in the same order.
 */
final class IdentityText {
  private static final Set<String> FIELDS =
      Set.of("vni", "address", "port", "mac", "gateway", "network", "underlay");

  private IdentityText() {}

  static String of(Identity identity) {
    return "vni="
        + identity.vni()
        + ";address="
        + IpAddresses.text(identity.vtep().address())
        + ";port="
        + identity.vtep().port()
        + ";mac="
        + identity.vtep().mac()
        + ";gateway="
        + joined(identity, gateway -> IpAddresses.text(gateway.address()))
        + ";network="
        + joined(identity, gateway -> gateway.network().toString())
        + ";underlay="
        + identity.underlay();
  }

  private static String joined(Identity identity, Function<Gateway, String> text) {
    return identity.gateways().stream().map(text).collect(Collectors.joining(","));
  }

  /**
   * Reads {@link #of}.
   *
   * @throws RefusedException for anything else
   */
  static Identity parse(String text) {
    try {
      return read(text);
    } catch (IllegalArgumentException | RefusedException e) {
      throw new RefusedException(
          "\""
              + text
              + "\", which a pin folder holds as its \"identity\", does not describe a tunnel end: it"
              + " is damaged or another version's; take all of it away (culvert leave) and start anew.",
          e);
    }
  }

  private static Identity read(String text) {
    Map<String, String> fields =
        Arrays.stream(text.split(";"))
            .map(field -> field.split("=", 2))
            .filter(pair -> pair.length == 2)
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1], (a, b) -> b));
    if (!fields.keySet().containsAll(FIELDS)) {
      throw new RefusedException("\"" + text + "\" does not describe a tunnel end.");
    }
    return new Identity(
        new Vni(Integer.parseInt(fields.get("vni"))),
        new Vtep(
            IpPrefix.parseAddress(fields.get("address")),
            Integer.parseInt(fields.get("port")),
            MacAddress.parse(fields.get("mac"))),
        gateways(fields.get("gateway").split(",", -1), fields.get("network").split(",", -1)),
        new InterfaceName(fields.get("underlay")));
  }

  /** As in {@code 4789/1,8472/1}. */
  static String of(Wires wires) {
    return text(wires.own()) + "," + text(wires.other());
  }

  private static String text(Wire wire) {
    return wire.port() + "/" + wire.vni();
  }

  /**
   * Reads {@link #of(Wires)}.
   *
   * @throws RefusedException for anything else
   */
  static Wires parseWires(String text) {
    try {
      String[] numbers = text.split("[,/]", -1);
      if (numbers.length != 4) {
        throw new IllegalArgumentException("four numbers are needed");
      }
      return new Wires(wire(numbers[0], numbers[1]), wire(numbers[2], numbers[3]));
    } catch (IllegalArgumentException e) {
      throw new RefusedException(
          "\""
              + text
              + "\", which a pin folder holds as its \"wires\", does not name ports and VNIs: it is"
              + " damaged or another version's; take all of it away (culvert leave) and start anew.",
          e);
    }
  }

  private static Wire wire(String port, String vni) {
    return new Wire(Integer.parseInt(port), new Vni(Integer.parseInt(vni)));
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
