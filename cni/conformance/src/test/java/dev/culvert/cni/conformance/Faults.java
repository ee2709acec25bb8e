// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Checks;
import java.util.ArrayList;
import java.util.List;

/**
 * What can be wrong in the reference plugin, and which check has to find it. Faults bear the name
 * of their check, with a word behind it where it has several.
 */
record Faults(String check, String fault) {
  private static final List<String> MORE =
      List.of(
          "version.answers.list",
          "add.result.index",
          "add.result.address",
          "add.result.family",
          "add.result.no-family",
          "add.result.stdout",
          "add.interface.gone",
          "add.addresses.more",
          "add.hardware.mtu",
          "add.host-interfaces.more",
          "env.missing.code.name",
          "env.netns-missing.leaves",
          "errors.form.version",
          "errors.form.msg",
          "check.ok.changes",
          "gc.keeps.unavailable");

  /** At least one for each check. */
  static List<Faults> all() {
    List<Faults> all = new ArrayList<>();
    for (Check check : Checks.all()) {
      all.add(new Faults(check.id(), check.id()));
      for (String fault : MORE) {
        if (fault.substring(0, fault.lastIndexOf('.')).equals(check.id())) {
          all.add(new Faults(check.id(), fault));
        }
      }
    }
    return all;
  }
}
