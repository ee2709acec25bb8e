// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whether addresses are given again, found out by asking for them. */
final class Addresses {
  private Addresses() {}

  /** The addition to a configuration that asks for addresses (the convention "ips"). */
  static Map<String, ?> asking(Added like) {
    List<String> ips = like.addresses().stream().map(Object::toString).toList();
    return Map.of("runtimeConfig", Map.of("ips", ips));
  }

  static boolean canBeAskedFor(Trial trial) {
    return trial.network().capabilities().contains("ips");
  }

  /** Whether there is a way to find out. */
  static void mustBeTellable(Trial trial) throws NotApplicable {
    if (!canBeAskedFor(trial)) {
      var _ = Pool.known(trial);
    }
  }

  /** These were given back: each can be had again, and none is missing in the pool. */
  static void expectFree(Trial trial, List<Added> gone, String when) throws Failed, NotApplicable {
    if (trial.stage().capacity().isPresent()) {
      Pool.expectAllFree(trial, Pool.known(trial), when);
    }
    if (canBeAskedFor(trial)) {
      for (Added old : gone) {
        Added again = trial.added(trial.attachment(), asking(old));
        Expect.equal(
            Set.copyOf(old.addresses()), Set.copyOf(again.addresses()), when + ", what can be had");
        Expect.success(trial.del(again), "DEL");
      }
    }
  }
}
