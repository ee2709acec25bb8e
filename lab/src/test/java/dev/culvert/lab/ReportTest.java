// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReportTest {
  private final StringWriter text = new StringWriter();
  private final Report report = new Report(new Progress(new PrintWriter(text), false));

  @Test
  void stepsAreToldAsDoneExpectedSeen() {
    report.section("9", "A scenario");
    report.step("a pings b", "an answer", () -> Outcome.of(true, "1 of 1").with(List.of("IP ...")));
    assertEquals(
        """

        9  A scenario
          ok      a pings b
                  expected  an answer
                  seen      1 of 1
                    | IP ...
        """,
        text.toString());
    assertTrue(report.ok());
  }

  @Test
  void stepThatThrowsHasFailedAndTheRunGoesOn() {
    report.section("9", "A scenario");
    report.step(
        "a pings b",
        "an answer",
        () -> {
          throw new LabException("No way.");
        });
    report.step("a pings c", "an answer", () -> Outcome.of(true, "1 of 1"));
    assertFalse(report.ok());
    assertTrue(text.toString().contains("  FAILED  a pings b"), text.toString());
    assertTrue(report.summary().startsWith("1 of 2 steps FAILED"), report.summary());
  }

  @Test
  void jsonHoldsEverything() {
    report.section("9", "A scenario");
    report.step("a pings b", "an answer", () -> Outcome.of(false, "none"));
    report.put("more", 1);
    Map<String, Object> json = Json.parseObject(Json.pretty(report.json()));
    assertEquals(false, json.get("ok"));
    assertEquals(1L, json.get("more"));
    Map<?, ?> scenario = (Map<?, ?>) ((List<?>) json.get("scenarios")).getFirst();
    Map<?, ?> step = (Map<?, ?>) ((List<?>) scenario.get("steps")).getFirst();
    assertEquals("none", step.get("seen"));
  }
}
