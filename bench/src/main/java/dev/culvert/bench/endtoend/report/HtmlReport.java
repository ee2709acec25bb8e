// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;

/** One page that needs nothing else: no script, no style sheet, no font, no picture of its own. */
final class HtmlReport {
  private static final String STYLE =
      """
      :root { color-scheme: light dark; }
      body { font: 15px/1.5 system-ui, sans-serif; color: #24292f; background: #fff; max-width: 1200px;
             margin: 2rem auto; padding: 0 1.5rem; }
      h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-bottom: 1px solid #d0d7de;
             padding-bottom: .3rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
      .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: .5rem; }
      .wide { overflow-x: auto; }
      table { border-collapse: collapse; font-size: 13px; margin: .5rem 0 1rem; }
      th, td { border: 1px solid #d0d7de; padding: .25rem .6rem; text-align: left; vertical-align: top; }
      tr:first-child th { background: #f6f8fa; }
      tr th:first-child { white-space: nowrap; }
      td { min-width: 7em; }
      td { font-variant-numeric: tabular-nums; }
      .better { background: #dafbe1; } .worse { background: #ffebe9; }
      svg { max-width: 100%; height: auto; display: block; }
      .note { color: #57606a; }
      @media (max-width: 700px) { tr th:first-child { white-space: normal; } }
      @media (prefers-color-scheme: dark) {
        body { color: #d1d7e0; background: #161616; } .note { color: #9198a1; }
        h2, th, td { border-color: #3d444d; } tr:first-child th { background: #262626; }
        .better { background: #12351f; } .worse { background: #4a1a1d; }
        svg { filter: invert(.915) hue-rotate(180deg); }
      }
      """;

  private HtmlReport() {}

  static String render(Results results) {
    StringBuilder out = new StringBuilder();
    out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.append("<title>Culvert and its peers, end to end</title>\n<style>\n");
    out.append(STYLE).append("</style>\n</head>\n<body>\n");
    out.append("<h1>Culvert and its peers, end to end</h1>\n<ul>\n");
    Wording.reading(results)
        .forEach(sentence -> out.append("<li>").append(Html.escape(sentence)).append("</li>\n"));
    out.append("</ul>\n");
    results.groups().forEach(group -> group(out, results, group));
    results.scaling().forEach(curve -> scaling(out, curve));
    heading(out, "Contestants");
    table(out, Grids.contestants(results));
    heading(out, "Machine");
    table(out, Wording.machine(results));
    failures(out, results);
    return out.append("</body>\n</html>\n").toString();
  }

  private static void group(StringBuilder out, Results results, Group group) {
    heading(out, group.title());
    out.append(
        "<p class=\"note\">Rounds: %d. %s</p>\n"
            .formatted(group.samples().rounds(), Html.escape(group.conditions())));
    out.append("<div class=\"charts\">\n");
    Charts.ratios(results, group).forEach(svg -> out.append(svg).append('\n'));
    out.append("</div>\n");
    table(out, Grids.toReference(results, group));
    Grid culvert = Grids.ofCulvert(results, group);
    if (!culvert.rows().isEmpty()) {
      out.append("<h3>Culvert against each</h3>\n");
      table(out, culvert);
    }
    out.append("<h3>All that was measured</h3>\n");
    table(out, Grids.values(group));
    if (!group.roundTripsNs().isEmpty()) {
      out.append(Charts.percentiles(group)).append('\n');
    }
  }

  private static void scaling(StringBuilder out, ScalingCurve curve) {
    heading(out, curve.title());
    out.append(Charts.scaling(curve)).append('\n');
    table(out, Grids.scaling(curve));
  }

  private static void failures(StringBuilder out, Results results) {
    if (results.failures().isEmpty()) {
      return;
    }
    heading(out, "Left out");
    out.append("<ul>\n");
    results
        .failures()
        .forEach(failure -> out.append("<li>").append(Html.escape(failure)).append("</li>\n"));
    out.append("</ul>\n");
  }

  private static void heading(StringBuilder out, String text) {
    out.append("<h2>").append(Html.escape(text)).append("</h2>\n");
  }

  private static void table(StringBuilder out, Grid grid) {
    out.append("<div class=\"wide\">\n").append(grid.html()).append("</div>\n");
  }
}
