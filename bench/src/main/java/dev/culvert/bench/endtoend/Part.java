// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import java.util.Locale;

/** What a run consists of. */
public enum Part {
  /** Turns with the same MTU for all. */
  TURNS,
  /** TCP again, each with the MTU of its own project. */
  OWN_MTU,
  /** As subnets, containers and hosts grow in number. */
  SCALING;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
