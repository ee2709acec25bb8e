// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;

/** The tables as Markdown. */
final class MarkdownReport {
  private MarkdownReport() {}

  static String render(Results results) {
    StringBuilder out = new StringBuilder("# Culvert and its peers, end to end\n\n");
    out.append(Wording.machine(results).markdown()).append('\n');
    Wording.reading(results).forEach(sentence -> out.append(Prose.item(sentence)));
    out.append("\n## Contestants\n\n").append(Grids.contestants(results).markdown());
    results.groups().forEach(group -> group(out, results, group));
    results.scaling().forEach(curve -> scaling(out, curve));
    if (!results.failures().isEmpty()) {
      out.append("\n## Left out\n\n");
      results.failures().forEach(failure -> out.append(Prose.item(failure)));
    }
    return out.toString();
  }

  private static void group(StringBuilder out, Results results, Group group) {
    out.append("\n## ").append(group.title()).append("\n\n");
    String conditions = "Rounds: %d. %s".formatted(group.samples().rounds(), group.conditions());
    out.append(Prose.paragraph(conditions)).append('\n');
    out.append(Grids.toReference(results, group).markdown()).append('\n');
    Grid culvert = Grids.ofCulvert(results, group);
    if (!culvert.rows().isEmpty()) {
      out.append(culvert.markdown()).append('\n');
    }
    out.append(Grids.values(group).markdown());
  }

  private static void scaling(StringBuilder out, ScalingCurve curve) {
    out.append("\n## ").append(curve.title()).append("\n\n");
    out.append("%s, %s.\n\n".formatted(curve.quantity().title(), curve.quantity().unit()));
    out.append(Grids.scaling(curve).markdown());
  }
}
