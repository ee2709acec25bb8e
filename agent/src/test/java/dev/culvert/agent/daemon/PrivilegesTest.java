// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrivilegesTest {
  // Masks as capsh(1) --decode explains them.
  @ParameterizedTest
  @CsvSource({
    "000001ffffffffff, ''",
    "0000000000000000, 'CAP_NET_ADMIN CAP_SYS_ADMIN'",
    "0000000000001000, 'CAP_SYS_ADMIN'",
    "0000000000200000, 'CAP_NET_ADMIN'",
    "000000c000001000, 'CAP_SYS_ADMIN'",
    "0000000000201000, ''",
  })
  void readsEffectiveCapabilities(String mask, String missing) {
    String status = "Name:\tjava\nCapPrm:\t000001ffffffffff\nCapEff:\t" + mask + "\nSeccomp:\t0\n";

    assertEquals(
        missing.isEmpty() ? List.of() : List.of(missing.split(" ")), Privileges.missing(status));
  }
}
