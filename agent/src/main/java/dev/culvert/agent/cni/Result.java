// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What ADD answers (spec, section 5): interfaces, addresses and routes, each behind those of the
 * plugins before this one in the chain.
 */
final class Result {
  private final CniVersion version;
  private final List<Object> interfaces = new ArrayList<>();
  private final List<Object> ips = new ArrayList<>();
  private final List<Object> routes = new ArrayList<>();
  private final Map<String, Object> dns = new LinkedHashMap<>();

  /** Begins with what the configuration has of it. */
  Result(Configuration configuration) {
    this.version = configuration.version();
    configuration
        .previousResult()
        .ifPresent(previous -> {
          addAll(interfaces, previous.get("interfaces"));
          addAll(ips, previous.get("ips"));
          addAll(routes, previous.get("routes"));
          if (previous.get("dns") instanceof Map<?, ?> map) {
            map.forEach((key, value) -> dns.put(String.valueOf(key), value));
          }
        });
    dns.putAll(configuration.dns());
  }

  private static void addAll(List<Object> to, Object from) {
    if (from instanceof List<?> list) {
      to.addAll(list);
    }
  }

  /** The pair of one endpoint, by what the kernel has of it. */
  Result with(Endpoint endpoint, Kernel.HostEnd here, String netns, Sandbox there) {
    interfaces.add(
        oneInterface(here.name(), endpoint.hostMac().toString(), here.mtuBytes(), Map.of()));
    interfaces.add(
        oneInterface(
            endpoint.container().orElseThrow().interfaceName().text(),
            there.mac().toString(),
            there.mtuBytes(),
            Map.of("sandbox", netns)));
    return this;
  }

  private Map<String, Object> oneInterface(
      String name, String mac, int mtuBytes, Map<String, Object> more) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", name);
    fields.put("mac", mac);
    if (version.namesMtus()) {
      fields.put("mtu", mtuBytes);
    }
    fields.putAll(more);
    return fields;
  }

  /** The container's addresses, on the interface that was added last. */
  Result with(List<InetAddress> addresses, List<IpPrefix> subnets) {
    for (InetAddress address : addresses) {
      Map<String, Object> fields = new LinkedHashMap<>();
      if (version.namesFamilies()) {
        fields.put("version", IpFamily.of(address) == IpFamily.IPV4 ? "4" : "6");
      }
      fields.put("interface", interfaces.size() - 1);
      fields.put("address", IpPrefix.of(address).toString());
      subnets.stream()
          .filter(subnet -> subnet.contains(address))
          .findFirst()
          .ifPresent(subnet -> fields.put("gateway", IpAddresses.text(Gateway.addressIn(subnet))));
      ips.add(fields);
    }
    return this;
  }

  Result with(List<Sandbox.Route> added) {
    for (Sandbox.Route route : added) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("dst", route.destination().toString());
      fields.put("gw", IpAddresses.text(route.gateway()));
      routes.add(fields);
    }
    return this;
  }

  Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("cniVersion", version.text());
    fields.put("interfaces", interfaces);
    fields.put("ips", ips);
    fields.put("routes", routes);
    fields.put("dns", dns);
    return fields;
  }
}
