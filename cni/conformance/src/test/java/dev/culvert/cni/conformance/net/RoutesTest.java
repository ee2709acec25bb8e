// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.cni.conformance.json.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What iproute2 6.1 writes, and what is read of it. */
class RoutesTest {
  @Test
  void gatewaysOfIpv6AreWrittenAsResultsAre() throws IOException {
    String gateway = Cidr.parse("fd00::1/128").address().getHostAddress();
    assertEquals(
        Set.of(
            Cidr.parse("::/0") + " via " + gateway + " dev eth0",
            Cidr.parse("::/0") + " dev eth0 table 7",
            Cidr.parse("fd00::/64") + " dev eth0"),
        Routes.of(
            list(
                """
                [{"dst":"default","gateway":"fd00::1","dev":"eth0","metric":1024,"flags":[],"pref":"medium"},
                 {"dst":"default","dev":"eth0","table":"7","metric":1024,"flags":[],"pref":"medium"},
                 {"dst":"fd00::/64","dev":"eth0","protocol":"kernel","metric":256,"flags":[],"pref":"medium"},
                 {"type":"local","dst":"fd00::2","dev":"eth0","table":"local","protocol":"kernel"},
                 {"dst":"fe80::/64","dev":"eth0","protocol":"kernel","metric":256,"flags":[]},
                 {"type":"multicast","dst":"ff00::/8","dev":"eth0","table":"local","flags":[]}]
                """),
            true));
  }

  @Test
  void aHostIsAPrefixOfFullLength() throws IOException {
    assertEquals(
        Set.of("0.0.0.0/0 via 10.1.0.1 dev eth0", "10.1.0.1/32 dev eth0"),
        Routes.of(
            list(
                """
                [{"dst":"default","gateway":"10.1.0.1","dev":"eth0","flags":[]},
                 {"dst":"10.1.0.1","dev":"eth0","scope":"link","flags":[]},
                 {"type":"broadcast","dst":"10.1.0.255","dev":"eth0","table":"local","flags":[]}]
                """),
            false));
  }

  private static List<Map<?, ?>> list(String json) throws IOException {
    List<Map<?, ?>> all = new ArrayList<>();
    for (Object element : (List<?>) Json.parse(json)) {
      all.add((Map<?, ?>) element);
    }
    return all;
  }
}
