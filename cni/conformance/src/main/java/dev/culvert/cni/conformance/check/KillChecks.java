// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.Call;
import dev.culvert.cni.conformance.plugin.CniVersion;
import dev.culvert.cni.conformance.plugin.RunningCall;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * The plugin is killed (SIGKILL) at moments that a seed chooses. A runtime calls DEL then, whatever
 * became of the ADD.
 */
final class KillChecks {
  private KillChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
            "kill.add",
            Chapter.LIFECYCLE,
            "ADD is killed: DEL succeeds, nothing is left on the host, and the next ADD works",
            KillChecks::add),
        Check.must(
            "kill.del",
            Chapter.LIFECYCLE,
            "DEL is killed: the next one succeeds, and nothing is left",
            KillChecks::del),
        Check.must(
                "kill.addresses",
                Chapter.LIFECYCLE,
                "after kills and DELs, every address can be had again",
                KillChecks::addresses)
            .countingAddresses());
  }

  /** The moments of a run: up to a little more than an undisturbed call takes. */
  private record Moments(Random random, long longestNs) {
    static Moments of(Trial trial, String check, long typicalNs) {
      return new Moments(trial.stage().random(check), typicalNs + typicalNs / 8);
    }

    long nextNs() {
      return (long) (random.nextDouble() * longestNs);
    }
  }

  private static void add(Trial trial) throws Failed {
    rounds(trial, "kill.add", "ADD");
    trial.added().expectWhole("After ADDs that were killed");
  }

  private static void del(Trial trial) throws Failed {
    rounds(trial, "kill.del", "DEL");
    trial.added().expectWhole("After DELs that were killed");
  }

  private static void addresses(Trial trial) throws Failed, NotApplicable {
    Addresses.mustBeTellable(trial);
    Added first = trial.added();
    Expect.success(trial.del(first), "DEL");
    rounds(trial, "kill.addresses", "ADD");
    rounds(trial, "kill.addresses", "DEL");
    Addresses.expectFree(trial, List.of(first), "After kills and DELs");
  }

  private static void rounds(Trial trial, String check, String verb) throws Failed {
    Moments moments = Moments.of(trial, check, typicalNs(trial, verb));
    for (int round = 1; round <= trial.stage().options().rounds(); round++) {
      long momentNs = moments.nextNs();
      String what =
          String.format(
              "DEL after %s was killed at %.1f ms (seed %d, round %d)",
              verb, momentNs / 1e6, trial.stage().options().seed(), round);
      Attachment attachment = killed(trial, verb, momentNs);
      Answer answer = trial.del(attachment);
      Expect.success(answer, what);
      Expect.that(attachment.nic().isEmpty(), "The interface should be gone after " + what + ".");
      trial.remove(attachment.container());
      trial.expectHostClean("After " + what);
    }
  }

  /** How long a call takes when nobody kills it: the second one, since the first may do more. */
  private static long typicalNs(Trial trial, String verb) throws Failed {
    long ns = 0;
    for (int i = 0; i < 2; i++) {
      Attachment attachment = trial.attachment();
      trial.expectDelOf(attachment);
      RunningCall add = trial.stage().plugin().start(trial.call("ADD", attachment, Map.of()));
      Added added = trial.added(attachment, add.await(), "ADD");
      long addNs = add.elapsedNs();
      RunningCall del = trial.stage().plugin().start(delCall(trial, added));
      Expect.success(trial.deleted(attachment, del.await()), "DEL");
      ns = verb.equals("ADD") ? addNs : del.elapsedNs();
      trial.remove(attachment.container());
    }
    return ns;
  }

  private static Call delCall(Trial trial, Added added) {
    return trial.call(
        "DEL",
        added.attachment(),
        trial.version().isAtLeast(CniVersion.V0_4_0) ? trial.previous(added) : Map.of());
  }

  private static Attachment killed(Trial trial, String verb, long momentNs) throws Failed {
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    Call call =
        verb.equals("ADD")
            ? trial.call("ADD", attachment, Map.of())
            : delCall(trial, trial.added(attachment));
    RunningCall running = trial.stage().plugin().start(call);
    LockSupport.parkNanos(momentNs);
    running.killAndWait();
    return attachment;
  }
}
