// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** STATUS: whether an ADD would work. */
final class StatusChecks {
  static final long UNAVAILABLE = 50;
  static final long LIMITED = 51;

  private StatusChecks() {}

  static List<Check> all() {
    return Stream.of(
            Check.must(
                "status.ready",
                Chapter.STATUS,
                "STATUS succeeds while ADD works",
                StatusChecks::ready),
            Check.should(
                    "status.full",
                    Chapter.STATUS,
                    "STATUS fails with code 50 or 51 while no address is left, and succeeds afterwards",
                    StatusChecks::full)
                .countingAddresses())
        .map(check -> check.since(CniVersion.V1_1_0))
        .toList();
  }

  private static void ready(Trial trial) throws Failed {
    var _ = trial.added();
    Expect.success(trial.send(trial.call("STATUS", Map.of())), "STATUS while ADD works");
  }

  private static void full(Trial trial) throws Failed, NotApplicable {
    int capacity = Pool.known(trial);
    List<Added> all = new ArrayList<>();
    boolean full = Pool.fill(trial, capacity + 1, all);
    Expect.that(full, "ADD should find no address after " + capacity + " containers, but did.");
    var answer = trial.send(trial.call("STATUS", Map.of()));
    Expect.code(answer, "STATUS while no address is left", UNAVAILABLE, LIMITED);
    Pool.empty(trial, all);
    Expect.success(trial.send(trial.call("STATUS", Map.of())), "STATUS after all was given back");
  }
}
