// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.util.List;
import java.util.Map;

/** One kind of turn: what a contestant does when it is its turn, and what comes of it. */
public interface Measurement {
  /** What a turn gives. */
  List<Quantity> quantities();

  /** How long a turn takes, about, in seconds. */
  double seconds();

  /**
   * Takes a turn.
   *
   * @return a value for each of the quantities
   * @throws dev.culvert.lab.LabException when nothing arrives, or a tool fails
   */
  Map<Quantity, Double> take(Contestant contestant);
}
