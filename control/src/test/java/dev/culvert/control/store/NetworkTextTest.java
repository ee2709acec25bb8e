// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.control.HostName;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class NetworkTextTest {
  private static final String TEXT =
      """
      # Written by Culvert; see docs/network.md.
      network = 10.244.0.0/16
      subnetLength = 24
      network6 = fd00:244::/48
      subnetLength6 = 64
      vni = 7
      port = 8472
      directRouting = false
      reserved = 10.244.0.0/24, 10.244.100.0/22
      subnet.host-07 = 10.244.7.0/24, fd00:244:0:7::/64
      subnet.host.08 = 10.244.8.0/24
      """;

  @Test
  void whatIsWrittenIsReadAsItWas() throws Exception {
    NetworkSettings settings = NetworkText.parse(TEXT);
    assertEquals(TEXT, NetworkText.format(settings));
    assertEquals(new NetworkSettings.Transport(8472, false), settings.transport());
    assertEquals(
        List.of(IpPrefix.parse("10.244.8.0/24")),
        settings.reservations().byHost().get(new HostName("host.08")));
  }

  @Test
  void aChangeIsReadAsItWasWritten() throws Exception {
    NetworkSettings before = NetworkText.parse(TEXT);
    NetworkSettings.Transport other =
        new NetworkSettings.Transport(4789, true, Optional.of(new Vni(9)));
    NetworkSettings after =
        new NetworkSettings(before.vni(), before.networks(), other, before.reservations())
            .after(before);
    assertEquals(new NetworkSettings.Change(1, before.transport()), after.change().orElseThrow());
    assertEquals(after, NetworkText.parse(NetworkText.format(after)));
    assertEquals(after, after.after(after), "the same again is no change");
  }

  @Test
  void aPersonNeedsNeitherOrderNorLengths() throws Exception {
    NetworkSettings settings =
        NetworkText.parse("directRouting = true\nport=4789 # usual\nvni = 1\nnetwork = 10.0.0.0/8");
    assertEquals(24, settings.networks().getFirst().subnetLength());
  }

  @Test
  void whatMakesNoSenseIsSaidWithItsLine() {
    String good = "vni = 1\nport = 4789\ndirectRouting = true\nnetwork = 10.244.0.0/16\n";
    for (String[] wrong :
        new String[][] {
          {"vni = 1\n", "line 1: the text ends without port."},
          {
            good.replace("network", "networc"),
            "line 4: unknown key \"networc\"; the keys are "
                + "network, subnetLength, network6, subnetLength6, vni, port, directRouting, "
                + "wireVni, change, former.port, former.directRouting, former.wireVni, "
                + "reserved and subnet.HOST."
          },
          {
            good + "change = 1\nformer.port = 8472\n",
            "line 6: the text ends without former.directRouting."
          },
          {
            good + "change = 0\nformer.port = 8472\nformer.directRouting = true\n",
            "line 5: change: Changes are counted from 1 on, so 0 is none."
          },
          {good.replace("4789", "0"), "line 2: port: 0 is no port; they go from 1 to 65535."},
          {
            good.replace("true", "yes"), "line 3: directRouting: \"yes\" is neither true nor false."
          },
          {
            good + "subnet.a = 10.244.1.0/25\n",
            "as a whole: The subnet 10.244.1.0/25 that is reserved for a has not the subnet length"
                + " /24."
          },
          {
            good + "subnet.a = 10.244.1.0/24\nreserved = 10.244.0.0/20\n",
            "as a whole: The subnet 10.244.1.0/24 cannot be reserved for a: it is never given."
          },
          {
            good + "subnet.a = 10.244.1.0/24\nsubnet.b = 10.244.1.0/24\n",
            "as a whole: The subnet 10.244.1.0/24 cannot be reserved for a: it is reserved for b."
          },
          {
            good + "reserved = 10.9.0.0/16\n",
            "as a whole: What is reserved, 10.9.0.0/16, is outside the network."
          },
          {
            good.replace("10.244.0.0/16", "fd00::/48"),
            "line 4: network: fd00::/48 is of the other IP family: network is IPv4, network6 IPv6."
          },
        }) {
      var e = assertThrows(MalformedException.class, () -> NetworkText.parse(wrong[0]), wrong[0]);
      assertEquals(wrong[1], e.getMessage());
    }
  }
}
