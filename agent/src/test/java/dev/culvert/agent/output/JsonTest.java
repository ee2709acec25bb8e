// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.RefusedException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void writesOneLine() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("a", List.of(1, 2L, true));
    map.put("b", null);
    map.put("c", Optional.of("x"));
    map.put("d", Optional.empty());
    map.put("e", Map.of());

    assertEquals("{\"a\":[1,2,true],\"b\":null,\"c\":\"x\",\"d\":null,\"e\":{}}", Json.line(map));
  }

  @Test
  void escapesWhatRfc8259Asks() {
    assertEquals(
        "\"quote \\\" backslash \\\\ line \\n tab \\t bell \\u0007 \u00fc\"",
        Json.line("quote \" backslash \\ line \n tab \t bell \u0007 \u00fc"));
  }

  @Test
  void indentsForPeople() {
    assertEquals(
        """
        {
          "a": [
            1
          ],
          "b": []
        }\
        """,
        Json.pretty(
            new LinkedHashMap<>(Map.of("a", List.of(1))) {
              private static final long serialVersionUID = 1;

              {
                put("b", List.of());
              }
            }));
  }

  @Test
  void readsEveryKindOfValue() {
    Map<String, Object> expected = new LinkedHashMap<>();
    expected.put("s", "a\"\\/\b\f\n\r\t\u20ac");
    expected.put("l", Arrays.asList(0L, -12L, 1.5, 1e3, true, false, null));
    expected.put("o", Map.of());

    assertEquals(
        expected,
        Json.parse(
            " { \"s\" : \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u20aC\","
                + " \"l\":[0,-12,1.5,1e3,true,false,null], \"o\":{} }\n"));
  }

  @Test
  void readsWhatItWrote() {
    Map<String, Object> value = Map.of("k", List.of("\u0000\u001f\"\\", -1L, Map.of("x", 2.5)));

    assertEquals(value, Json.parse(Json.line(value)));
    assertEquals(value, Json.parse(Json.pretty(value)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":1,\"a\":2}",
        "01",
        "1.",
        "+1",
        "-",
        "nul",
        "truex",
        "\"open",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"line\nbreak\"",
        "1 2",
        "99999999999999999999",
      })
  void refusesWhatIsNoJson(String text) {
    RefusedException e = assertThrows(RefusedException.class, () -> Json.parse(text));
    assertTrue(!e.getMessage().isBlank());
  }

  @Test
  void refusesToRecurseWithoutEnd() {
    assertThrows(RefusedException.class, () -> Json.parse("[".repeat(100_000)));
  }

  @Test
  void anObjectIsNoList() {
    assertThrows(RefusedException.class, () -> Json.parseObject("[]"));
  }
}
