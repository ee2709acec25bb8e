// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import dev.culvert.cni.conformance.json.Json;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A network namespace, looked into with ip(8).
 *
 * @param name as ip-netns(8) knows it; empty for the one that the kit itself is in
 */
public record Namespace(String name) {
  /** What a plugin gets as CNI_NETNS; empty for the kit's own. */
  public String path() {
    return name.isEmpty() ? "" : "/run/netns/" + name;
  }

  /** Runs ip(8) in it. */
  public String ip(String... arguments) {
    if (name.isEmpty()) {
      return Ip.run(arguments);
    }
    String[] inside = new String[arguments.length + 2];
    inside[0] = "-n";
    inside[1] = name;
    System.arraycopy(arguments, 0, inside, 2, arguments.length);
    return Ip.run(inside);
  }

  /** All interfaces, by name. */
  public Map<String, Nic> interfaces() {
    Map<String, Nic> all = new TreeMap<>();
    for (Map<?, ?> entry : objects(ip("-j", "addr"))) {
      Nic nic = nic(entry);
      all.put(nic.name(), nic);
    }
    return all;
  }

  /** The names of all interfaces. */
  public Set<String> names() {
    return new TreeSet<>(interfaces().keySet());
  }

  public Optional<Nic> find(String ifname) {
    return Optional.ofNullable(interfaces().get(ifname));
  }

  private static Nic nic(Map<?, ?> entry) {
    Set<Cidr> addresses = new LinkedHashSet<>();
    for (Object element : list(entry.get("addr_info"))) {
      if (element instanceof Map<?, ?> info && !isLinkLocal(info) && info.get("local") != null) {
        addresses.add(Cidr.parse(info.get("local") + "/" + info.get("prefixlen")));
      }
    }
    return new Nic(
        entry.get("ifname").toString(),
        entry.get("address") instanceof String mac ? mac : "",
        entry.get("mtu") instanceof Long mtu ? mtu : 0,
        list(entry.get("flags")).contains("UP"),
        addresses);
  }

  private static boolean isLinkLocal(Map<?, ?> info) {
    return "inet6".equals(info.get("family")) && "link".equals(info.get("scope"));
  }

  /** Routes to other places, of all tables and both families, as {@link Routes} writes them. */
  public Set<String> routes() {
    Set<String> all = new TreeSet<>();
    all.addAll(Routes.of(objects(ip("-j", "-4", "route", "show", "table", "all")), false));
    all.addAll(Routes.of(objects(ip("-j", "-6", "route", "show", "table", "all")), true));
    return all;
  }

  /** Waits a while until exactly these interfaces are there, and says what was there at last. */
  public Set<String> awaitNames(Set<String> expected) {
    var _ = Waiting.until(() -> names().equals(expected));
    return names();
  }

  private static List<?> list(Object value) {
    return value instanceof List<?> list ? list : List.of();
  }

  private static List<Map<?, ?>> objects(String json) {
    try {
      String text = json.isBlank() ? "[]" : json;
      return list(Json.parse(text)).stream()
          .filter(element -> element instanceof Map<?, ?> map && !map.isEmpty())
          .<Map<?, ?>>map(element -> (Map<?, ?>) element)
          .collect(Collectors.toList());
    } catch (IOException e) {
      throw new IllegalStateException("ip -j wrote " + e.getMessage(), e);
    }
  }
}
