// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.kernel.RefusedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HostNameTest {
  @ParameterizedTest
  @ValueSource(strings = {"h", "host-01", "a.b_c", "9", "Web.example.org", "x-", "x_"})
  void ordinaryNamesAreTakenAsTheyAre(String text) {
    assertEquals(text, new HostName(text).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", " ", "a b", "-a", ".a", "_a", "../x", "a/b", "h\u00f6st", "a\nb", "a+"})
  void oddNamesAreRefused(String text) {
    assertFalse(HostName.isValid(text));
    var e = assertThrows(RefusedException.class, () -> new HostName(text));
    assertEquals(
        "\""
            + text.replace('\n', '?')
            + "\" cannot be a host's name: use 1 to 253 letters, digits, dots, hyphens and"
            + " underscores, beginning with a letter or digit.",
        e.getMessage());
  }

  /** RFC 1123 section 2.1: software should handle names of up to 255 characters, DNS has 253. */
  @Test
  void namesAreAsLongAsDnsHasThem() {
    assertEquals(253, new HostName("a".repeat(253)).text().length());
    var e = assertThrows(RefusedException.class, () -> new HostName("a".repeat(254)));
    assertEquals("\"" + "a".repeat(60) + "...\"", e.getMessage().substring(0, 65));
  }
}
