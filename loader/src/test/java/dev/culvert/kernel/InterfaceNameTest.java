// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class InterfaceNameTest {
  @ParameterizedTest
  @ValueSource(strings = {"eth0", "a", "...", "vlan-100.2_x", "fifteen-bytes-1", "größe", "eth@0"})
  void takesWhatTheKernelTakes(String name) {
    assertTrue(InterfaceName.isValid(name));
    assertEquals(name, new InterfaceName(name).text());
    assertEquals(name, new InterfaceName(name).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        "a/b",
        "a:b",
        "a b",
        "a\tb",
        "a\u000bb",
        "a\u00a0b",
        "sixteen-bytes-16",
        "ünfzehn-umlaute",
        "eth%d",
        "50%",
        "bell\u0007",
        "zero\u0000",
        "del\u007f",
        "voilà"
      })
  void refusesWhatNoInterfaceCanBeCalled(String name) {
    assertFalse(InterfaceName.isValid(name));
    var e = assertThrows(RefusedException.class, () -> new InterfaceName(name));
    assertTrue(e.getMessage().contains("cannot be an interface's name"), e.getMessage());
    assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
  }
}
