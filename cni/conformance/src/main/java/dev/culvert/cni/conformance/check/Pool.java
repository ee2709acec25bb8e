// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * How many containers can be attached at once, by trying: an address that is not given back is
 * missing the next time.
 */
final class Pool {
  private Pool() {}

  /**
   * Attaches until the plugin refuses, and deletes all again.
   *
   * @return empty where it did not refuse before the limit
   */
  static OptionalInt count(Trial trial, int limit) throws Failed {
    List<Added> all = new ArrayList<>();
    boolean full = fill(trial, limit, all);
    empty(trial, all);
    return full ? OptionalInt.of(all.size()) : OptionalInt.empty();
  }

  /**
   * Attaches until the plugin refuses.
   *
   * @return whether it did before the limit
   */
  static boolean fill(Trial trial, int limit, List<Added> all) throws Failed {
    while (all.size() < limit) {
      Attachment attachment = trial.attachment();
      Answer answer = trial.add(attachment);
      if (answer.hung()) {
        throw new Failed("ADD number " + (all.size() + 1) + ": " + answer.describe() + ".");
      }
      if (!answer.succeeded()) {
        Expect.success(trial.del(attachment), "DEL after an ADD that was refused");
        trial.remove(attachment.container());
        return true;
      }
      all.add(trial.added(attachment, answer, "ADD"));
    }
    return false;
  }

  static void empty(Trial trial, List<Added> all) throws Failed {
    for (Added added : all) {
      Expect.success(trial.del(added), "DEL");
      trial.remove(added.attachment().container());
    }
  }

  /** The same number as at the run's first count. */
  static void expectAllFree(Trial trial, int expected, String when) throws Failed {
    int seen = count(trial, expected + 1).orElse(expected + 1);
    Expect.that(
        seen >= expected,
        when
            + ", "
            + expected
            + " containers should find an address as before, but only "
            + seen
            + " do.");
  }

  /** The count of a run's first time, for checks that need a small pool. */
  static int known(Trial trial) throws NotApplicable {
    OptionalInt size = trial.stage().capacity();
    if (size.isEmpty() || size.getAsInt() == 0) {
      throw new NotApplicable(
          size.isPresent()
              ? "no container can be attached"
              : "more than "
                  + trial.stage().options().poolLimit()
                  + " addresses are there: a configuration with fewer lets the kit count them");
    }
    return size.getAsInt();
  }
}
