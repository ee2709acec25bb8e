// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.agent.UserException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Every step of a run: what is done, what is expected, what was seen. */
public final class Report {
  /** One step of one scenario. */
  public record Step(String done, String expected, Outcome outcome, double seconds) {
    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("done", done);
      json.put("expected", expected);
      json.put("seen", outcome.seen());
      json.put("ok", outcome.ok());
      json.put("evidence", outcome.evidence());
      json.put("seconds", round(seconds));
      return json;
    }
  }

  private record Section(String id, String title, List<Step> steps) {
    boolean ok() {
      return steps.stream().allMatch(step -> step.outcome().ok());
    }

    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("id", id);
      json.put("title", title);
      json.put("ok", ok());
      json.put("steps", steps.stream().map(Step::json).toList());
      return json;
    }
  }

  private final Progress progress;
  private final List<Section> sections = new ArrayList<>();
  private final Map<String, Object> extras = new LinkedHashMap<>();

  public Report(Progress progress) {
    this.progress = progress;
  }

  public Progress progress() {
    return progress;
  }

  /** Begins a scenario; the steps that follow belong to it. */
  public void section(String id, String title) {
    sections.add(new Section(id, title, new ArrayList<>()));
    progress.line("");
    progress.line(id + "  " + title);
  }

  /** Takes a step and prints it. A step that throws has failed; the run goes on. */
  public void step(String done, String expected, Supplier<Outcome> work) {
    progress.now(done);
    double begun = progress.elapsedSeconds();
    Outcome outcome;
    try {
      outcome = work.get();
    } catch (UserException e) {
      outcome = Outcome.of(false, e.getMessage());
    }
    Step step = new Step(done, expected, outcome, progress.elapsedSeconds() - begun);
    sections.getLast().steps().add(step);
    print(step);
  }

  /** Says why steps are left out. */
  public void note(String text) {
    progress.line("  --      " + text);
  }

  private void print(Step step) {
    progress.line((step.outcome().ok() ? "  ok      " : "  FAILED  ") + step.done());
    progress.line("          expected  " + step.expected());
    progress.line("          seen      " + step.outcome().seen());
    step.outcome().evidence().forEach(line -> progress.line("            | " + line));
  }

  /** More for the JSON form. */
  public void put(String key, Object value) {
    extras.put(key, value);
  }

  public boolean ok() {
    return sections.stream().allMatch(Section::ok);
  }

  /** How many steps there were, and how many were not as expected. */
  public String summary() {
    List<Step> steps = sections.stream().flatMap(section -> section.steps().stream()).toList();
    long failed = steps.stream().filter(step -> !step.outcome().ok()).count();
    return failed == 0
        ? "All %d steps were as expected, in %.1f s.".formatted(steps.size(), elapsed())
        : "%d of %d steps FAILED, in %.1f s.".formatted(failed, steps.size(), elapsed());
  }

  private double elapsed() {
    return progress.elapsedSeconds();
  }

  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("ok", ok());
    json.put("seconds", round(elapsed()));
    json.put("kernel", System.getProperty("os.version"));
    json.put("processors", Runtime.getRuntime().availableProcessors());
    json.put("scenarios", sections.stream().map(Section::json).toList());
    json.putAll(extras);
    return json;
  }

  public static double round(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
