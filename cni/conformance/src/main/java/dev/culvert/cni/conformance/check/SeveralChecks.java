// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Cidr;
import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.NetworkConfig;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** One container with several interfaces, in one network or in two. */
final class SeveralChecks {
  private static final String SECOND = "eth1";

  private SeveralChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
            "several.interfaces",
            Chapter.ADD,
            "a container can be added twice by two interfaces; DEL of one leaves the other",
            SeveralChecks::interfaces),
        Check.must(
            "several.networks",
            Chapter.LIFECYCLE,
            "the same container in two networks: DEL in one leaves the other",
            SeveralChecks::networks));
  }

  private static void interfaces(Trial trial) throws Failed {
    Container container = trial.container();
    Added first = trial.added(trial.attachment(container, Trial.IFNAME));
    Attachment attachment = trial.attachment(container, SECOND);
    Added second = trial.added(attachment, trial.add(attachment), "ADD of a second interface");
    first.expectWhole("With a second interface");
    second.expectWhole("As a second interface");
    Set<Cidr> shared = new HashSet<>(first.addresses());
    shared.retainAll(second.addresses());
    Expect.that(
        shared.isEmpty(), "Two interfaces should have two addresses, but share " + shared + ".");
    Expect.success(trial.del(first), "DEL of the first interface");
    second.expectWhole("After DEL of the first interface");
    Expect.success(trial.del(second), "DEL of the second interface");
    trial.expectHostClean("After DEL of both interfaces");
  }

  private static void networks(Trial trial) throws Failed, NotApplicable {
    boolean given = trial.stage().options().second().isPresent();
    NetworkConfig network = trial.stage().options().other();
    Container container = trial.container();
    Added first = trial.added(trial.attachment(container, Trial.IFNAME));
    Attachment attachment = new Attachment(container, SECOND, network);
    Answer answer = trial.add(attachment);
    if (!given && !answer.succeeded() && !answer.hung()) {
      throw new NotApplicable(
          "the configuration under a second name is refused ("
              + answer.words().strip()
              + "): name another with --second-config");
    }
    Added second = trial.added(attachment, answer, "ADD to a second network");
    second.expectWhole("In a second network");
    Expect.success(trial.del(first), "DEL in the first network");
    second.expectWhole("After DEL in the first network");
    Expect.success(trial.del(second), "DEL in the second network");
    trial.expectHostClean("After DEL in both networks");
  }
}
