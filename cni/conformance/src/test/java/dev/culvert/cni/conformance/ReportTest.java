// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Checks;
import dev.culvert.cni.conformance.json.Json;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportTest {
  private final Result passed =
      new Result(check("add.result"), Optional.of(CniVersion.V0_4_0), Result.Status.PASSED, "");
  private final Result failedMust =
      new Result(
          check("del.twice"),
          Optional.of(CniVersion.V1_0_0),
          Result.Status.FAILED,
          "a|b should succeed.");
  private final Result failedShould =
      new Result(
          check("del.silent"), Optional.of(CniVersion.V1_0_0), Result.Status.FAILED, "It speaks.");
  private final Result none =
      new Result(check("gc.keeps"), Optional.empty(), Result.Status.NOT_APPLICABLE, "no 1.1.0");

  @Test
  void onlyAFailedMustIsAgainstThePlugin() {
    assertTrue(report(passed, failedShould, none).conforms());
    assertFalse(report(passed, failedMust).conforms());
  }

  @Test
  void linesSayWhatWhereAndWhy() {
    assertEquals("passed  MUST   add.result 0.4.0", Report.line(passed));
    assertEquals("n/a     MUST   gc.keeps                    no 1.1.0", Report.line(none));
    assertEquals(
        "bridge in 0.4.0, 1.0.0: 1 passed, 1 failed a MUST, 1 a SHOULD, 1 not applicable (seed 7)",
        report(passed, failedMust, failedShould, none).summary());
  }

  @Test
  void markdownIsATable() {
    String table = report(passed, failedMust).markdown();
    assertTrue(table.startsWith("| check | level |"), table);
    assertTrue(
        table.contains(
            "| `del.twice` | MUST | 2, DEL | DEL succeeds again and again | **failed**: a\\|b should succeed. |\n"),
        table);
  }

  @Test
  void jsonHasAll() throws IOException {
    Map<String, Object> whole = Json.object(report(passed, failedMust, none).json());
    assertEquals(false, whole.get("conforms"));
    assertEquals(7L, whole.get("seed"));
    assertEquals(3, ((List<?>) whole.get("results")).size());
    assertTrue(whole.toString().contains("id=gc.keeps, version=null, level=MUST"), whole::toString);
  }

  private static Report report(Result... results) {
    return new Report("bridge", List.of(CniVersion.V0_4_0, CniVersion.V1_0_0), 7, List.of(results));
  }

  private static Check check(String id) {
    return Checks.all().stream().filter(one -> one.id().equals(id)).findFirst().orElseThrow();
  }
}
