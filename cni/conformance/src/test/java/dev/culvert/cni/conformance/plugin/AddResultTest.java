// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.cni.conformance.json.Json;
import dev.culvert.cni.conformance.net.Cidr;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AddResultTest {
  @Test
  void readsTheExampleOfTheSpecification() throws IOException {
    AddResult result =
        read(
            """
            {"ips": [{"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 2}],
             "routes": [{"dst": "0.0.0.0/0"}],
             "interfaces": [{"name": "cni0", "mac": "00:11:22:33:44:55"},
                            {"name": "veth3243", "mac": "55:44:33:22:11:11"},
                            {"name": "eth0", "mac": "99:88:77:66:55:44", "sandbox": "/var/run/netns/blue"}],
             "dns": {"nameservers": ["10.1.0.1"]}}
            """);
    assertEquals("/var/run/netns/blue", result.inside("eth0").orElseThrow().sandbox());
    assertEquals(List.of(Cidr.parse("10.1.0.5/16")), result.addressesOf("eth0"));
    assertEquals("0.0.0.0/0", result.routes().getFirst().destination().toString());
    assertTrue(result.inside("cni0").isEmpty());
  }

  @Test
  void anAddressOfAnotherInterfaceIsNotTheContainers() throws IOException {
    AddResult result =
        read(
            """
            {"ips": [{"address": "10.1.0.5/16", "interface": 0}, {"address": "10.1.0.6/16"}],
             "interfaces": [{"name": "cni0"}, {"name": "eth0", "sandbox": "/run/netns/blue"}]}
            """);
    assertEquals(List.of(Cidr.parse("10.1.0.6/16")), result.addressesOf("eth0"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"ips\": [{}]}; ips[0] has no address",
        "{\"ips\": [{\"address\": \"10.1.0.5\"}]}; ips[0].address: \"10.1.0.5\" is no address in CIDR notation",
        "{\"ips\": {}}; ips is no list",
        "{\"ips\": [1]}; ips[0] is no object",
        "{\"interfaces\": [{\"name\": \"\"}]}; interfaces[0] has no name",
        "{\"interfaces\": [{\"name\": 1}]}; interfaces[0] has a name that is no text",
        "{\"interfaces\": [{\"name\": \"a\", \"mtu\": -1}]}; interfaces[0] has mtu -1, which is no count",
        "{\"routes\": [{\"dst\": \"::/0\", \"gw\": \"x\"}]}; routes[0].gw \"x\" is no address",
      })
  void namesTheFieldThatIsWrong(String json, String words) {
    assertEquals(
        words, assertThrows(IllegalArgumentException.class, () -> read(json)).getMessage());
  }

  private static AddResult read(String json) throws IOException {
    return AddResult.read(Json.object(json));
  }
}
