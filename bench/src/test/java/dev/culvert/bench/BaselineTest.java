// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BaselineTest {
  private static final Map<String, Double> BEFORE =
      Map.of("instructions of a", 100.0, "ratio of b at tc", 1.5, "bytes for c", 0.0);

  @Test
  void readsBackWhatItWrote() {
    List<String> lines = Baseline.of(BEFORE).lines();
    assertEquals(
        List.of(
            "cost,value", "bytes for c,0.00", "instructions of a,100.00", "ratio of b at tc,1.50"),
        lines.subList(2, lines.size()));
    assertEquals(lines, Baseline.parse(lines).lines());
  }

  @Test
  void whatChanceExplainsIsNoComplaint() {
    Baseline baseline = Baseline.of(BEFORE);
    assertEquals(List.of(), baseline.complaints(BEFORE));
    // 100 x 1.15 + 8, 1.5 x 1.6 + 0.3, 0 + 8; and less is always welcome.
    assertEquals(
        List.of(),
        baseline.complaints(
            Map.of("instructions of a", 123.0, "ratio of b at tc", 2.7, "bytes for c", 8.0)));
    assertEquals(List.of(), baseline.complaints(Map.of("instructions of a", 1.0)));
  }

  @Test
  void saysWhatIsWorseAndWhatToDo() {
    Baseline baseline = Baseline.of(BEFORE);
    assertEquals(
        List.of(
            "\"instructions of a\" is 124.00; 100.00 was recorded, and up to 123.00 is allowed. If the"
                + " change is worth it, run \"sudo ./dev bench baseline\" and commit bench/baseline.csv."),
        baseline.complaints(Map.of("instructions of a", 124.0)));
    assertEquals(1, baseline.complaints(Map.of("bytes for c", 9.0)).size());
    String unknown = baseline.complaints(Map.of("bytes for d", 0.0)).getFirst();
    assertTrue(unknown.startsWith("\"bytes for d\" is not recorded"), unknown);
  }

  @Test
  void refusesWhatItDoesNotKnow() {
    assertThrows(IllegalArgumentException.class, () -> Baseline.of(Map.of("seconds of e", 1.0)));
    assertThrows(IllegalArgumentException.class, () -> Baseline.parse(List.of("no comma")));
  }
}
