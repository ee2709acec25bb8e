// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import java.util.List;
import java.util.stream.Stream;

/** All checks, in the order in which they are run. */
public final class Checks {
  private Checks() {}

  public static List<Check> all() {
    return Stream.of(
            VersionChecks.all(),
            AddChecks.all(),
            ParameterChecks.all(),
            ConfigChecks.all(),
            DelChecks.all(),
            CheckChecks.all(),
            GcChecks.all(),
            StatusChecks.all(),
            SeveralChecks.all(),
            CapabilityChecks.all(),
            ParallelChecks.all(),
            KillChecks.all(),
            OutageChecks.all())
        .flatMap(List::stream)
        .toList();
  }
}
