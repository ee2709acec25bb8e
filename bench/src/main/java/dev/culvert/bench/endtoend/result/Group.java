// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.result;

import dev.culvert.measure.Quantity;
import dev.culvert.measure.Samples;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * Measurements that were taken under the same conditions, and may be compared.
 *
 * @param id short and without blanks
 * @param conditions in a sentence
 * @param headlines the quantities whose ratios are told; of the others only the values are
 * @param roundTripsNs of all rounds together, by contestant; empty where they were not measured
 */
public record Group(
    String id,
    String title,
    String conditions,
    Samples samples,
    List<Quantity> headlines,
    Map<String, Histogram> roundTripsNs) {}
