// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Traces;
import java.util.List;
import java.util.Map;

/** DEL: it takes away what ADD made, whatever of it is still there, and never minds the rest. */
final class DelChecks {
  private DelChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
                "del.removes",
                Chapter.DEL,
                "DEL takes the interface out of the container, and its other end off the host",
                DelChecks::removes)
            .inEachVersion(),
        Check.should(
            "del.traces",
            Chapter.DEL,
            "after DEL the host's routes and firewall rules are as before ADD",
            DelChecks::traces),
        Check.should(
            "del.silent",
            Chapter.DEL,
            "DEL that succeeds writes nothing to stdout",
            trial -> Expect.nothingOnStdout(trial.del(trial.added()), "DEL that succeeds")),
        Check.must("del.twice", Chapter.DEL, "DEL succeeds again and again", DelChecks::twice),
        Check.must(
            "del.never-added",
            Chapter.DEL,
            "DEL succeeds for what was never added",
            trial -> Expect.success(trial.del(trial.attachment()), "DEL of what was never added")),
        Check.must(
            "del.netns-gone",
            Chapter.DEL,
            "DEL succeeds where CNI_NETNS is not there any more, and leaves nothing on the host",
            DelChecks::netnsGone),
        Check.must(
            "del.netns-empty",
            Chapter.DEL,
            "DEL succeeds where CNI_NETNS is empty or not set: it is optional",
            DelChecks::netnsEmpty),
        Check.must(
            "del.interface-gone",
            Chapter.DEL,
            "DEL succeeds where the interface is not there any more",
            DelChecks::interfaceGone),
        Check.should(
            "del.no-previous",
            Chapter.DEL,
            "DEL without a prevResult succeeds, and removes",
            DelChecks::noPrevious),
        Check.must(
            "del.others",
            Chapter.DEL,
            "DEL of one container leaves the others as they are",
            DelChecks::others),
        Check.must(
                "del.addresses",
                Chapter.DEL,
                "what DEL gave back, with a namespace or without, can be had again",
                DelChecks::addresses)
            .countingAddresses());
  }

  private static void removes(Trial trial) throws Failed {
    Added added = trial.added();
    Expect.success(trial.del(added), "DEL");
    Expect.that(
        added.attachment().nic().isEmpty(),
        "After DEL, " + Trial.IFNAME + " should be gone from the container, but is there.");
    trial.expectHostClean("After DEL");
  }

  private static void traces(Trial trial) throws Failed {
    // The first container may bring what all share.
    cycle(trial);
    Traces before = Traces.of(trial.host());
    cycle(trial);
    Traces after = Traces.awaitEqual(trial.host(), before);
    Expect.that(
        after.equals(before),
        "After DEL, the host should be as before, but " + after.against(before) + ".");
  }

  private static void cycle(Trial trial) throws Failed {
    Added added = trial.added();
    Expect.success(trial.del(added), "DEL");
    trial.remove(added.attachment().container());
    trial.expectHostClean("After DEL");
  }

  private static void twice(Trial trial) throws Failed {
    Added added = trial.added();
    Expect.success(trial.del(added), "DEL");
    Expect.success(trial.del(added), "a second DEL");
    Expect.success(trial.del(added), "a third DEL");
  }

  private static void netnsGone(Trial trial) throws Failed {
    Added added = trial.added();
    trial.remove(added.attachment().container());
    Expect.success(trial.del(added), "DEL where CNI_NETNS is not there any more");
    trial.expectHostClean("After DEL without a namespace");
  }

  private static void netnsEmpty(Trial trial) throws Failed {
    for (String state : List.of("empty", "not set")) {
      Added added = trial.added();
      trial.remove(added.attachment().container());
      var call = trial.call("DEL", added.attachment(), trial.previous(added));
      call = state.equals("empty") ? call.with("CNI_NETNS", "") : call.without("CNI_NETNS");
      var answer = trial.deleted(added.attachment(), trial.send(call));
      Expect.success(answer, "DEL where CNI_NETNS is " + state);
      trial.expectHostClean("After DEL where CNI_NETNS is " + state);
    }
  }

  private static void interfaceGone(Trial trial) throws Failed {
    Added added = trial.added();
    added.expectWhole("After ADD");
    var _ = added.attachment().container().namespace().ip("link", "del", Trial.IFNAME);
    Expect.success(trial.del(added), "DEL where the interface is gone");
    trial.expectHostClean("After DEL where the interface is gone");
  }

  private static void noPrevious(Trial trial) throws Failed {
    Added added = trial.added();
    Expect.success(trial.del(added.attachment()), "DEL without a prevResult");
    Expect.that(
        added.attachment().nic().isEmpty(),
        "DEL without a prevResult should take the interface away, but it is there.");
    trial.expectHostClean("After DEL without a prevResult");
  }

  private static void others(Trial trial) throws Failed {
    Added first = trial.added();
    Added second = trial.added();
    Expect.success(trial.del(first), "DEL");
    Expect.success(trial.del(first), "a second DEL");
    second.expectWhole("After DEL of another container");
  }

  private static void addresses(Trial trial) throws Failed, NotApplicable {
    Addresses.mustBeTellable(trial);
    Added whole = trial.added();
    Added gone = trial.added();
    Added bare = trial.added();
    Expect.success(trial.del(whole), "DEL");
    trial.remove(gone.attachment().container());
    Expect.success(trial.del(gone), "DEL where CNI_NETNS is not there any more");
    trial.remove(bare.attachment().container());
    Expect.success(
        trial.deleted(
            bare.attachment(),
            trial.send(trial.call("DEL", bare.attachment(), Map.of()).with("CNI_NETNS", ""))),
        "DEL without a namespace and a prevResult");
    Addresses.expectFree(trial, List.of(whole, gone, bare), "After DEL");
  }
}
