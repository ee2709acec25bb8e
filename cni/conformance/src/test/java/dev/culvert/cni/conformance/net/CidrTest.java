// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
  @Test
  void equalAddressesAreEqualHoweverTheyAreWritten() {
    assertEquals(Cidr.parse("fd00::1/64"), Cidr.parse("fd00:0:0:0::1/64"));
    assertEquals("6", Cidr.parse("::/0").family());
    assertEquals("4", Cidr.parse("10.1.0.5/32").family());
    assertEquals("10.1.0.5/24", Cidr.parse("10.1.0.5/24").toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "10.1.0.5", "10.1.0.5/33", "fd00::/129", "10.1.0.5/-1", "host/24", "/"})
  void refusesWhatIsNone(String text) {
    assertThrows(IllegalArgumentException.class, () -> Cidr.parse(text));
  }
}
