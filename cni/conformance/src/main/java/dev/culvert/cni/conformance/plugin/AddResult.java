// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import dev.culvert.cni.conformance.net.Cidr;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a plugin says after ADD (section 5 of the specification).
 *
 * @param raw the object as it came: the prevResult of later calls
 */
public record AddResult(
    List<Nic> interfaces, List<Ip> ips, List<Route> routes, Map<String, Object> raw) {
  /**
   * An interface.
   *
   * @param mac as the plugin writes it, empty where it does not
   * @param sandbox empty for one on the host
   */
  public record Nic(String name, String mac, OptionalLong mtu, String sandbox) {}

  /**
   * An address.
   *
   * @param version "4" or "6" before 1.0.0, since then nothing
   * @param nic the index of its interface
   */
  public record Ip(
      Cidr address, Optional<InetAddress> gateway, OptionalInt nic, Optional<String> version) {}

  /** A route; without a gateway, that of the addresses may be meant. */
  public record Route(Cidr destination, Optional<InetAddress> gateway) {}

  /**
   * Reads the fields that the kit looks at.
   *
   * @throws IllegalArgumentException with the first field that is not as the specification has it,
   *     as the end of a sentence: "ips[0] has no address"
   */
  public static AddResult read(Map<String, Object> raw) {
    List<Nic> interfaces = new ArrayList<>();
    for (Fields nic : Fields.list(raw, "interfaces")) {
      interfaces.add(
          new Nic(
              nic.required("name"),
              nic.text("mac").orElse(""),
              nic.number("mtu"),
              nic.text("sandbox").orElse("")));
    }
    List<Ip> ips = new ArrayList<>();
    for (Fields ip : Fields.list(raw, "ips")) {
      ips.add(
          new Ip(
              ip.cidr("address"),
              ip.address("gateway"),
              ip.index("interface"),
              ip.text("version")));
    }
    List<Route> routes = new ArrayList<>();
    for (Fields route : Fields.list(raw, "routes")) {
      routes.add(new Route(route.cidr("dst"), route.address("gw")));
    }
    return new AddResult(interfaces, ips, routes, raw);
  }

  /** The interface inside the container. */
  public Optional<Nic> inside(String ifname) {
    return interfaces.stream()
        .filter(nic -> nic.name().equals(ifname) && !nic.sandbox().isEmpty())
        .findFirst();
  }

  /** The addresses of that interface; those without an index are taken for its own. */
  public List<Cidr> addressesOf(String ifname) {
    return ips.stream()
        .filter(ip -> ip.nic().isEmpty() || isInside(ip.nic().getAsInt(), ifname))
        .map(Ip::address)
        .toList();
  }

  private boolean isInside(int index, String ifname) {
    return index >= 0
        && index < interfaces.size()
        && inside(ifname).filter(nic -> nic.equals(interfaces.get(index))).isPresent();
  }

  /** One object of a list, and its place for sentences. */
  private record Fields(String place, Map<?, ?> map) {
    static List<Fields> list(Map<String, Object> raw, String name) {
      List<Fields> all = new ArrayList<>();
      switch (raw.get(name)) {
        case null -> {}
        case List<?> list -> {
          for (Object element : list) {
            String place = name + "[" + all.size() + "]";
            if (!(element instanceof Map<?, ?> map)) {
              throw new IllegalArgumentException(place + " is no object");
            }
            all.add(new Fields(place, map));
          }
        }
        default -> throw new IllegalArgumentException(name + " is no list");
      }
      return all;
    }

    Optional<String> text(String name) {
      return switch (map.get(name)) {
        case null -> Optional.empty();
        case String text -> Optional.of(text);
        default ->
            throw new IllegalArgumentException(place + " has a " + name + " that is no text");
      };
    }

    String required(String name) {
      return text(name)
          .filter(text -> !text.isEmpty())
          .orElseThrow(() -> new IllegalArgumentException(place + " has no " + name));
    }

    OptionalLong number(String name) {
      return switch (map.get(name)) {
        case null -> OptionalLong.empty();
        case Long number when number >= 0 -> OptionalLong.of(number);
        default ->
            throw new IllegalArgumentException(
                place + " has " + name + " " + map.get(name) + ", which is no count");
      };
    }

    OptionalInt index(String name) {
      OptionalLong number = number(name);
      return number.isEmpty()
          ? OptionalInt.empty()
          : OptionalInt.of(Math.toIntExact(number.getAsLong()));
    }

    Cidr cidr(String name) {
      String text = required(name);
      try {
        return Cidr.parse(text);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(place + "." + name + ": " + e.getMessage(), e);
      }
    }

    Optional<InetAddress> address(String name) {
      String text = text(name).orElse("");
      try {
        return text.isEmpty() ? Optional.empty() : Optional.of(InetAddress.ofLiteral(text));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            place + "." + name + " \"" + text + "\" is no address", e);
      }
    }
  }
}
