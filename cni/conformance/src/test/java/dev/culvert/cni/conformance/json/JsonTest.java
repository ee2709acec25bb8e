// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsWhatItWrites() throws IOException {
    Map<String, Object> value =
        Map.of("a", List.of(1L, true, "x\n"), "b", Map.of("c", new java.math.BigDecimal("1.5")));
    assertEquals(value, Json.object(Json.write(value)));
    assertEquals(value, Json.object(Json.pretty(value)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[]",
        "1",
        "{}{}",
        "{} done",
        "log line\n{}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":99999999999999999999}"
      })
  void refusesWhatIsNotOneObject(String text) {
    assertThrows(IOException.class, () -> Json.object(text));
  }
}
