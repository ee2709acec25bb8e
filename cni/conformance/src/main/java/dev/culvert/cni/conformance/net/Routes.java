// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Routes as "DESTINATION via GATEWAY dev NAME table N", with addresses as Java writes them: IPv6
 * has many ways to write one.
 */
final class Routes {
  private Routes() {}

  /** What ip(8) lists, without what the kernel adds: local, broadcast, multicast, link-local. */
  static Set<String> of(List<Map<?, ?>> listed, boolean ipv6) {
    Set<String> all = new TreeSet<>();
    for (Map<?, ?> route : listed) {
      String destination = destination(route, ipv6);
      boolean unicast = route.get("type") == null || "unicast".equals(route.get("type"));
      if (unicast && !destination.startsWith("fe80") && !destination.startsWith("ff00")) {
        all.add(destination + gateway(route) + word(route, "dev") + word(route, "table"));
      }
    }
    return all;
  }

  private static String destination(Map<?, ?> route, boolean ipv6) {
    String text = route.get("dst").toString();
    if (text.equals("default")) {
      return Cidr.parse(ipv6 ? "::/0" : "0.0.0.0/0").toString();
    }
    String whole = text.indexOf('/') >= 0 ? text : text + (ipv6 ? "/128" : "/32");
    return Cidr.parse(whole).toString();
  }

  private static String gateway(Map<?, ?> route) {
    return route.get("gateway") instanceof String text
        ? " via " + InetAddress.ofLiteral(text).getHostAddress()
        : "";
  }

  private static String word(Map<?, ?> route, String name) {
    return route.get(name) == null ? "" : " " + name + " " + route.get(name);
  }
}
