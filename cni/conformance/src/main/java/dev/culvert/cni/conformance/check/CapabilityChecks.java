// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Nic;
import dev.culvert.cni.conformance.plugin.AddResult;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** runtimeConfig: addresses and MACs that a runtime asks for, where the configuration allows it. */
final class CapabilityChecks {
  private static final String MAC = "02:c0:ff:ee:00:2a";

  private CapabilityChecks() {}

  static List<Check> all() {
    return List.of(
        Check.should(
            "capability.ips",
            Chapter.RUNTIME_CONFIG,
            "an address in runtimeConfig.ips is the one that the container gets",
            CapabilityChecks::ips),
        Check.should(
            "capability.ips-taken",
            Chapter.RUNTIME_CONFIG,
            "an address in runtimeConfig.ips that another container has is refused",
            CapabilityChecks::ipsTaken),
        Check.should(
            "capability.mac",
            Chapter.RUNTIME_CONFIG,
            "the MAC in runtimeConfig.mac is the one that the interface gets",
            CapabilityChecks::mac));
  }

  private static void need(Trial trial, String capability) throws NotApplicable {
    if (!trial.network().capabilities().contains(capability)) {
      throw new NotApplicable(
          "the configuration has no \"capabilities\": {\"" + capability + "\": true}");
    }
  }

  private static void ips(Trial trial) throws Failed, NotApplicable {
    need(trial, "ips");
    // Not the address that is next anyway: the one before the last is asked for.
    Added first = trial.added();
    Added second = trial.added();
    Expect.success(trial.del(first), "DEL");
    Expect.success(trial.del(second), "DEL");
    for (Added wanted : List.of(second, first)) {
      Attachment attachment = trial.attachment();
      Added got =
          trial.added(
              attachment,
              trial.add(attachment, Addresses.asking(wanted)),
              "ADD that asks for " + wanted.addresses());
      Expect.equal(
          Set.copyOf(wanted.addresses()),
          Set.copyOf(got.addresses()),
          "The address of ADD that asks for one");
      got.expectWhole("After ADD that asks for an address");
      Expect.success(trial.del(got), "DEL");
    }
  }

  private static void ipsTaken(Trial trial) throws Failed, NotApplicable {
    need(trial, "ips");
    Added first = trial.added();
    Expect.refusal(
        trial.add(trial.attachment(), Addresses.asking(first)),
        "ADD that asks for " + first.addresses() + ", which another container has");
    first.expectWhole("After its address was asked for");
  }

  private static void mac(Trial trial) throws Failed, NotApplicable {
    need(trial, "mac");
    Added added = trial.added(trial.attachment(), Map.of("runtimeConfig", Map.of("mac", MAC)));
    Expect.equal(
        MAC,
        added.attachment().nic().map(Nic::mac).orElse("none"),
        "The MAC of ADD that asks for one");
    Expect.equal(
        MAC,
        added.result().inside(Trial.IFNAME).map(AddResult.Nic::mac).orElse("none"),
        "The MAC in the result of ADD that asks for one");
  }
}
