// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.HistoryInvariants;
import dev.culvert.control.HostName;
import dev.culvert.datapath.Subnet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who forwards what, at each moment: told of every change, it looks whether two hosts forward one
 * subnet. Who is dead or frozen cannot know what happens meanwhile, and counts from its first
 * change after that on, or after {@link #GRACE_MS}.
 */
final class Forwarders {
  /** Within this an agent that woke has cut itself off, on a busy machine too. */
  private static final long GRACE_MS = 3000;

  private static final class Host {
    Set<Subnet> forwards = Set.of();
    boolean awake;
    boolean knows;
    long wokeNs;
  }

  private final Map<HostName, Host> hosts = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private long changes;

  private Host host(HostName name) {
    return hosts.computeIfAbsent(name, _ -> new Host());
  }

  /** Its kernel forwards these from now on. */
  synchronized void changed(HostName name, Set<Subnet> forwards) {
    changes++;
    Host host = host(name);
    host.forwards = forwards;
    host.knows |= host.awake;
    look(name, host);
  }

  /** The same, seen by who looked: it may have changed long ago. */
  synchronized void sampled(HostName name, Set<Subnet> forwards) {
    if (!host(name).forwards.equals(forwards)) {
      changed(name, forwards);
    }
  }

  /** It was started, and looked around. */
  synchronized void started(HostName name) {
    Host host = host(name);
    host.awake = true;
    host.knows = true;
    look(name, host);
  }

  /** It was frozen, and runs again from now on. */
  synchronized void woke(HostName name) {
    Host host = host(name);
    host.awake = true;
    host.wokeNs = System.nanoTime();
  }

  /** It is dead or frozen. */
  synchronized void sleeps(HostName name) {
    host(name).awake = false;
    host(name).knows = false;
  }

  /** Those that woke long enough ago know now; to be called now and then. */
  synchronized void look() {
    hosts.forEach((name, host) -> {
      if (host.awake && !host.knows && System.nanoTime() - host.wokeNs > GRACE_MS * 1_000_000) {
        host.knows = true;
        look(name, host);
      }
    });
  }

  private void look(HostName name, Host host) {
    if (!host.knows) {
      return;
    }
    hosts.forEach((other, there) -> {
      if (there.knows && there != host) {
        HistoryInvariants.sharing(Map.entry(name, host.forwards), Map.entry(other, there.forwards))
            .ifPresent(violations::add);
      }
    });
  }

  /** How many changes were looked at. */
  synchronized long changes() {
    return changes;
  }

  synchronized List<String> violations() {
    return List.copyOf(violations);
  }
}
