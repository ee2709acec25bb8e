// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.pin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class IdentityTextTest {
  @Test
  void identityReadsBackFromItsText() {
    for (Identity identity :
        List.of(
            identity("10.17.2.2", "10.244.1.1", "10.244.0.0/16"),
            identity("fd17::2", "fd44:1::1", "fd44::/16"))) {
      assertEquals(identity, IdentityText.parse(IdentityText.of(identity)));
    }
    Identity one = identity("10.17.2.2", "fd44:1::1", "fd44::/16");
    Identity both =
        new Identity(
            one.vni(),
            one.vtep(),
            List.of(
                one.gateways().getFirst(),
                new Gateway(InetAddress.ofLiteral("10.244.1.1"), IpPrefix.parse("10.244.0.0/16"))),
            new InterfaceName("eth0"));
    assertEquals(
        "vni=77;address=10.17.2.2;port=8472;mac=02:00:0a:11:02:02;"
            + "gateway=10.244.1.1,fd44:1::1;network=10.244.0.0/16,fd44::/16;underlay=eth0",
        IdentityText.of(both));
    assertEquals(both, IdentityText.parse(IdentityText.of(both)));
    // As an agent of before has pinned it.
    assertEquals(
        both,
        IdentityText.parse(
            IdentityText.of(both)
                .replace("fd44:1::1", "fd44:1:0:0:0:0:0:1")
                .replace("::/", ":0:0:0:0:0:0:0/")));
    assertThrows(RefusedException.class, () -> IdentityText.parse("vni=1"));
  }

  private static Identity identity(String address, String gateway, String network) {
    return new Identity(
        new Vni(77),
        new Vtep(InetAddress.ofLiteral(address), 8472, MacAddress.parse("02:00:0a:11:02:02")),
        List.of(new Gateway(InetAddress.ofLiteral(gateway), IpPrefix.parse(network))),
        new InterfaceName("eth0"));
  }
}
