// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Cidr;
import dev.culvert.cni.conformance.net.Nic;
import dev.culvert.cni.conformance.plugin.AddResult;
import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** CHECK: whether all is still as ADD said. */
final class CheckChecks {
  private CheckChecks() {}

  static List<Check> all() {
    return Stream.of(
            Check.must(
                    "check.ok",
                    Chapter.CHECK,
                    "CHECK right after ADD succeeds, and changes nothing",
                    CheckChecks::ok)
                .inEachVersion(),
            Check.should(
                "check.silent",
                Chapter.CHECK,
                "CHECK that succeeds writes nothing to stdout",
                trial -> Expect.nothingOnStdout(trial.check(trial.added()), "CHECK that succeeds")),
            Check.should(
                "check.interface-gone",
                Chapter.CHECK,
                "CHECK fails where somebody removed the interface",
                trial -> disturbed(trial, CheckChecks::removeInterface)),
            Check.should(
                "check.address-gone",
                Chapter.CHECK,
                "CHECK fails where somebody removed an address",
                trial -> disturbed(trial, CheckChecks::removeAddress)),
            Check.should(
                "check.route-gone",
                Chapter.CHECK,
                "CHECK fails where somebody removed a route of the result",
                trial -> disturbed(trial, CheckChecks::removeRoute)),
            Check.should(
                "check.unknown",
                Chapter.CHECK,
                "CHECK fails for a container that was never added",
                CheckChecks::unknown),
            Check.should(
                "check.no-previous",
                Chapter.CHECK,
                "CHECK fails without the prevResult that it must consult",
                CheckChecks::noPrevious))
        .map(check -> check.since(CniVersion.V0_4_0))
        .toList();
  }

  private static void ok(Trial trial) throws Failed {
    Added added = trial.added();
    Optional<Nic> before = added.attachment().nic();
    Expect.success(trial.check(added), "CHECK right after ADD");
    Expect.equal(before, added.attachment().nic(), "The interface after CHECK");
    Expect.success(trial.check(added), "a second CHECK");
  }

  /** What somebody does to a container. */
  private interface Disturbance {
    /** Does it, and says what was done: "CHECK after ..." */
    String apply(Added added) throws NotApplicable;
  }

  private static void disturbed(Trial trial, Disturbance disturbance) throws Failed, NotApplicable {
    Added added = trial.added();
    added.expectWhole("After ADD");
    Expect.success(trial.check(added), "CHECK right after ADD");
    String what = disturbance.apply(added);
    Expect.refusal(trial.check(added), "CHECK after " + what);
  }

  private static String removeInterface(Added added) {
    var _ = added.attachment().container().namespace().ip("link", "del", Trial.IFNAME);
    return "the interface was removed";
  }

  private static String removeAddress(Added added) throws NotApplicable {
    if (added.addresses().isEmpty()) {
      throw new NotApplicable("the result names no address");
    }
    Cidr address = added.addresses().getFirst();
    var _ =
        added
            .attachment()
            .container()
            .namespace()
            .ip("addr", "del", address.toString(), "dev", Trial.IFNAME);
    return address + " was removed";
  }

  private static String removeRoute(Added added) throws NotApplicable {
    if (added.result().routes().isEmpty()) {
      throw new NotApplicable("the result names no routes");
    }
    AddResult.Route route = added.result().routes().getFirst();
    String family = route.destination().isIpv6() ? "-6" : "-4";
    var _ =
        added
            .attachment()
            .container()
            .namespace()
            .ip(family, "route", "del", route.destination().toString());
    return "the route to " + route.destination() + " was removed";
  }

  private static void unknown(Trial trial) throws Failed {
    Added added = trial.added();
    Attachment never = trial.attachment();
    Answer answer = trial.send(trial.call("CHECK", never, trial.previous(added)));
    Expect.refusal(answer, "CHECK of a container that was never added");
  }

  private static void noPrevious(Trial trial) throws Failed {
    Added added = trial.added();
    Answer answer = trial.send(trial.call("CHECK", added.attachment(), Map.of()));
    Expect.refusal(answer, "CHECK without a prevResult");
  }
}
