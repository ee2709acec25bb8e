// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** GC: what nobody needs any more goes, what lives stays. */
final class GcChecks {
  private GcChecks() {}

  static List<Check> all() {
    return Stream.of(
            Check.must(
                "gc.keeps",
                Chapter.GC,
                "GC succeeds and leaves valid attachments as they are, also beside unknown ones",
                GcChecks::keeps),
            Check.should(
                    "gc.removes",
                    Chapter.GC,
                    "after GC the addresses of attachments that are not valid can be had again",
                    GcChecks::removes)
                .countingAddresses(),
            Check.should(
                    "gc.goes-on",
                    Chapter.GC,
                    "GC goes on where parts of a stale attachment are missing",
                    GcChecks::goesOn)
                .countingAddresses(),
            Check.should(
                "gc.silent",
                Chapter.GC,
                "GC that succeeds writes nothing to stdout",
                GcChecks::silent))
        .map(check -> check.since(CniVersion.V1_1_0))
        .toList();
  }

  private static Answer gc(Trial trial, List<Added> valid) {
    List<Map<String, String>> attachments = new ArrayList<>();
    for (Added added : valid) {
      attachments.add(entry(added.attachment().container().id(), added.attachment().ifname()));
    }
    attachments.add(entry(trial.stage().newId(), Trial.IFNAME)); // one that the plugin has lost
    return trial.send(trial.call("GC", Map.of("cni.dev/valid-attachments", attachments)));
  }

  private static Map<String, String> entry(String id, String ifname) {
    return Map.of("containerID", id, "ifname", ifname);
  }

  private static void keeps(Trial trial) throws Failed {
    List<Added> all = List.of(trial.added(), trial.added());
    for (int i = 0; i < 2; i++) {
      Expect.success(gc(trial, all), "GC where all attachments are valid");
      for (Added added : all) {
        added.expectWhole("After GC that names it as valid");
        Expect.success(trial.check(added), "CHECK after GC");
      }
    }
  }

  private static void silent(Trial trial) throws Failed {
    Answer answer = gc(trial, List.of());
    Expect.success(answer, "GC");
    Expect.nothingOnStdout(answer, "GC that succeeds");
  }

  private static void removes(Trial trial) throws Failed, NotApplicable {
    Addresses.mustBeTellable(trial);
    Added valid = trial.added();
    List<Added> stale = List.of(trial.added(), trial.added());
    for (Added added : stale) {
      trial.remove(added.attachment().container());
    }
    Expect.success(gc(trial, List.of(valid)), "GC");
    valid.expectWhole("After GC of others");
    Expect.success(trial.del(valid), "DEL");
    Addresses.expectFree(trial, stale, "After GC");
    trial.expectHostClean("After GC and DEL");
  }

  private static void goesOn(Trial trial) throws Failed, NotApplicable {
    Addresses.mustBeTellable(trial);
    Added withoutNamespace = trial.added();
    Added withoutInterface = trial.added();
    Added whole = trial.added();
    trial.remove(withoutNamespace.attachment().container());
    withoutInterface.expectWhole("After ADD");
    var _ = withoutInterface.attachment().container().namespace().ip("link", "del", Trial.IFNAME);
    Answer answer = gc(trial, List.of());
    Expect.that(!answer.hung(), answer.describe() + ".");
    // The namespaces go last: GC may take it that they are gone already.
    trial.remove(withoutInterface.attachment().container());
    trial.remove(whole.attachment().container());
    Addresses.expectFree(
        trial,
        List.of(withoutNamespace, withoutInterface, whole),
        "After GC where parts were missing");
  }
}
