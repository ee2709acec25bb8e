// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/** Within how many microseconds a half, 99 % and 99.9 % of something were done. */
final class Percentiles {
  private final Quantity median;
  private final Quantity p99;
  private final Quantity p999;

  /**
   * @param id what its quantities' ids begin with
   * @param title the same of their titles
   */
  Percentiles(String id, String title) {
    this.median = Quantity.less(id + "-50", title + ", half of them within", "us");
    this.p99 = Quantity.less(id + "-99", title + ", 99 % within", "us");
    this.p999 = Quantity.less(id + "-99.9", title + ", 99.9 % within", "us");
  }

  List<Quantity> quantities() {
    return List.of(median, p99, p999);
  }

  /**
   * @param us gives the microseconds of a percentage
   */
  Map<Quantity, Double> values(DoubleUnaryOperator us) {
    return Map.of(
        median, us.applyAsDouble(50), p99, us.applyAsDouble(99), p999, us.applyAsDouble(99.9));
  }
}
