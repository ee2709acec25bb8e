// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;
import dev.culvert.measure.Comparison;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Samples;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every single value, for programs. */
final class Values {
  private Values() {}

  /** One value a line. A turn that failed has an empty one. */
  static String csv(Results results) {
    StringBuilder out = new StringBuilder("group,size,quantity,unit,contestant,round,value\n");
    results.groups().forEach(group -> lines(out, group.id() + ",", group.samples()));
    for (ScalingCurve curve : results.scaling()) {
      curve
          .points()
          .forEach((size, samples) -> lines(out, "scaling-" + curve.id() + "," + size, samples));
    }
    return out.toString();
  }

  private static void lines(StringBuilder out, String start, Samples samples) {
    for (Quantity quantity : samples.quantities()) {
      for (String id : samples.contestants()) {
        double[] values = samples.of(quantity, id);
        for (int round = 0; round < values.length; round++) {
          String value = Double.isFinite(values[round]) ? Double.toString(values[round]) : "";
          out.append(
              "%s,%s,%s,%s,%d,%s\n"
                  .formatted(start, quantity.id(), quantity.unit(), id, round + 1, value));
        }
      }
    }
  }

  static Map<String, Object> json(Results results) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("command", results.command());
    json.put("commit", results.commit());
    json.put("begun", results.begun().toString());
    json.put("seconds", results.took().toSeconds());
    json.put("seed", results.seed());
    json.put("machine", machine(results));
    json.put("reference", results.reference());
    json.put("contestants", results.peers().stream().map(peer -> peer.id()).toList());
    Map<String, Object> absent = new LinkedHashMap<>();
    results.absent().forEach(missing -> absent.put(missing.peer().id(), missing.reason()));
    json.put("notOnThisKernel", absent);
    json.put("groups", results.groups().stream().map(group -> group(results, group)).toList());
    json.put("scaling", results.scaling().stream().map(Values::scaling).toList());
    json.put("failures", results.failures());
    return json;
  }

  private static Map<String, Object> machine(Results results) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("processor", results.machine().processor());
    json.put("processors", results.machine().processors());
    json.put("kernel", results.machine().kernel());
    json.put("memory", results.machine().memory());
    json.put("java", results.machine().java());
    json.put("busyBefore", results.machine().busyBefore());
    return json;
  }

  private static Map<String, Object> group(Results results, Group group) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", group.id());
    json.put("title", group.title());
    json.put("conditions", group.conditions());
    json.put("rounds", group.samples().rounds());
    json.put("quantities", quantities(group.samples()));
    Map<String, Object> ratios = new LinkedHashMap<>();
    for (Quantity quantity : group.headlines()) {
      Map<String, Object> byContestant = new LinkedHashMap<>();
      for (String id : group.samples().contestants()) {
        if (!id.equals(results.reference())) {
          byContestant.put(id, comparison(results.toReference(group, quantity, id)));
        }
      }
      ratios.put(quantity.id(), byContestant);
    }
    json.put("ratios", ratios);
    return json;
  }

  private static Map<String, Object> comparison(Comparison comparison) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("ratio", finite(comparison.ratio()));
    json.put("low", finite(comparison.interval().low()));
    json.put("high", finite(comparison.interval().high()));
    json.put("rounds", comparison.rounds());
    json.put("conclusion", comparison.conclusion().toString());
    return json;
  }

  private static Map<String, Object> scaling(ScalingCurve curve) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", curve.id());
    json.put("axis", curve.axis());
    Map<String, Object> points = new LinkedHashMap<>();
    curve.points().forEach((size, samples) -> points.put(size.toString(), quantities(samples)));
    json.put("points", points);
    return json;
  }

  private static Map<String, Object> quantities(Samples samples) {
    Map<String, Object> json = new LinkedHashMap<>();
    for (Quantity quantity : samples.quantities()) {
      Map<String, Object> values = new LinkedHashMap<>();
      for (String id : samples.contestants()) {
        List<Double> all =
            Arrays.stream(samples.of(quantity, id)).mapToObj(Values::finite).toList();
        values.put(id, all);
      }
      json.put(
          quantity.id(),
          Map.of(
              "title", quantity.title(),
              "unit", quantity.unit(),
              "moreIsBetter", quantity.moreIsBetter(),
              "values", values));
    }
    return json;
  }

  /** JSON has no NaN. */
  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
