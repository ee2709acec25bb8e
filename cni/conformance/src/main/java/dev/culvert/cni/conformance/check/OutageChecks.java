// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.List;
import java.util.Map;

/** While what the plugin depends on is down: whoever runs the kit says how to take it down. */
final class OutageChecks {
  private static final long TRY_AGAIN = 11;

  private OutageChecks() {}

  static List<Check> all() {
    return List.of(
        Check.should(
            "outage.add",
            Chapter.ERROR,
            "ADD works all the same, or says code 11 (try again later); afterwards it works",
            OutageChecks::add),
        Check.must(
            "outage.del",
            Chapter.DEL,
            "DEL succeeds all the same, and nothing is left on the host",
            OutageChecks::del),
        Check.should(
                "outage.status",
                Chapter.STATUS,
                "STATUS fails with code 50 or 51 where ADD fails, and succeeds afterwards",
                OutageChecks::status)
            .since(CniVersion.V1_1_0));
  }

  private static Outage outage(Trial trial) throws NotApplicable {
    return trial
        .stage()
        .options()
        .outage()
        .orElseThrow(
            () -> new NotApplicable("--break and --mend do not say what can be taken down"));
  }

  private static void add(Trial trial) throws Failed, NotApplicable {
    Attachment attachment = trial.attachment();
    outage(trial)
        .during(() -> {
          Answer answer = trial.add(attachment);
          if (!answer.succeeded()) {
            Expect.code(answer, "ADD during an outage that it cannot bridge", TRY_AGAIN);
          }
          Expect.success(trial.del(attachment), "DEL after ADD during an outage");
        });
    Expect.success(trial.add(attachment), "ADD after the outage");
  }

  private static void del(Trial trial) throws Failed, NotApplicable {
    Added added = trial.added();
    outage(trial)
        .during(() -> {
          Expect.success(trial.del(added), "DEL during an outage");
          Expect.success(trial.del(added), "a second DEL during an outage");
        });
    trial.remove(added.attachment().container());
    trial.expectHostClean("After DEL during an outage");
  }

  private static void status(Trial trial) throws Failed, NotApplicable {
    Attachment attachment = trial.attachment();
    outage(trial)
        .during(() -> {
          if (trial.add(attachment).succeeded()) {
            throw new NotApplicable("ADD works during the outage");
          }
          Answer answer = trial.send(trial.call("STATUS", Map.of()));
          Expect.code(
              answer, "STATUS during an outage", StatusChecks.UNAVAILABLE, StatusChecks.LIMITED);
        });
    Expect.success(trial.send(trial.call("STATUS", Map.of())), "STATUS after the outage");
  }
}
