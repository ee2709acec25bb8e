// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.kernel.netlink.LinkInfo;
import java.util.OptionalLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecapsulationChoiceTest {
  /** Features by linux/netdev.h: 1 basic, 2 redirect, 4 transmit, 32 received fragments. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''   |    7 | 1500 | XDP | the driver of eth7 runs XDP natively",
        "''   |    7 | 3502 | XDP | runs XDP natively",
        "''   |    7 | 3503 | TC  | the MTU of eth7, 3503, is more than the 3502",
        "''   | 0x27 | 9000 | XDP | runs XDP natively",
        "''   |    0 | 1500 | TC  | the driver of eth7 has no native XDP",
        "''   |      | 1500 | TC  | this kernel does not say what eth7's driver can do",
        "bond |    0 | 1500 | TC  | eth7, a bond, has no native XDP",
        "bond |    7 | 1500 | XDP | runs XDP natively",
        "veth | 0x27 | 1500 | TC  | eth7 is a veth, where XDP copies each packet",
      })
  void choosesByDriverAndMtu(
      String kind, String features, int mtuBytes, Decapsulation where, String why) {
    LinkInfo link = new LinkInfo(7, "eth7", kind, mtuBytes, true, new byte[6], 0, 0, "", -1);
    OptionalLong bits =
        features == null ? OptionalLong.empty() : OptionalLong.of(Long.decode(features));
    DecapsulationChoice choice = DecapsulationChoice.of(link, bits);
    assertEquals(where, choice.where());
    assertTrue(choice.why().contains(why), choice.why());
  }
}
