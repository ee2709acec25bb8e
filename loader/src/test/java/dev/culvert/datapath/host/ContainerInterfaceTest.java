// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Vni;
import java.net.InetAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContainerInterfaceTest {
  @ParameterizedTest
  @CsvSource({
    "1, 10.244.1.2, cv0af401021",
    "16777215, 255.255.255.255, cvffffffff9zldr",
    "1, fd44::2, c65fbe919a493e"
  })
  void hostInterfaceNamesFitTheKernel(int vni, String address, String expected) {
    String name = ContainerInterface.hostName(new Vni(vni), InetAddress.ofLiteral(address)).text();
    assertTrue(name.startsWith(expected), name);
  }
}
