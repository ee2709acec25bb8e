// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import org.junit.jupiter.api.Test;

class UnderlayInterfaceTest {
  private static LinkInfo link(String name, String kind) {
    return new LinkInfo(7, name, kind, 1500, true, new byte[6], 0, 0, "", -1);
  }

  /** Kernels without CONFIG_NET_VRF have none to try it with. */
  @Test
  void oneInAVrfIsRefusedInWords() {
    RefusedException refused =
        assertThrows(
            RefusedException.class,
            () -> UnderlayInterface.requireNoVrf(link("eth0", ""), link("blue", "vrf")));
    assertTrue(refused.getMessage().contains("eth0 is in the VRF blue"), refused.getMessage());
  }

  @Test
  void oneInABridgeOrABondIsNot() {
    for (String kind : new String[] {"bridge", "bond", "team"}) {
      assertDoesNotThrow(
          () -> UnderlayInterface.requireNoVrf(link("eth0", ""), link("master0", kind)));
    }
  }
}
