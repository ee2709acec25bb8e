// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.result;

import dev.culvert.measure.Quantity;
import dev.culvert.measure.Samples;
import java.util.SortedMap;

/**
 * How a quantity changes as something grows.
 *
 * @param id such as "subnets"
 * @param axis what grows
 * @param points by size; NaN where a contestant could not
 */
public record ScalingCurve(
    String id, String title, String axis, Quantity quantity, SortedMap<Integer, Samples> points) {}
