// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the store holds, as far as its events tell. Pure. Events may come late, twice or in another
 * order: an older revision never undoes a newer one, and of two announcements the older generation
 * never wins. A snapshot settles everything up to its revision.
 */
final class LeaseView {
  private final SortedMap<Subnet, Lease> leases = new TreeMap<>();

  /** Revision of the last event about a subnet, also of one that is gone. */
  private final Map<Subnet, Long> revisions = new HashMap<>();

  private long snapshotRevision = -1;
  private long revision = -1;
  private boolean synced;

  /**
   * A new watch may count revisions anew; its first event is a snapshot that settles everything.
   */
  void restart() {
    revisions.clear();
    snapshotRevision = -1;
    revision = -1;
  }

  /** Whether a snapshot was seen, so that what is not here is not in the store. */
  boolean isSynced() {
    return synced;
  }

  /** The greatest that was seen, or -1. */
  long revision() {
    return revision;
  }

  Collection<Lease> leases() {
    return leases.values();
  }

  boolean contains(Subnet subnet) {
    return leases.containsKey(subnet);
  }

  void accept(LeaseEvent event) {
    switch (event) {
      case LeaseEvent.Snapshot snapshot -> accept(snapshot);
      case LeaseEvent.Announced(long at, Lease lease) -> {
        if (isNews(at, lease.subnet(), lease.generation())) {
          leases.put(lease.subnet(), lease);
        }
      }
      case LeaseEvent.Withdrawn(long at, Subnet subnet, long generation) ->
          remove(at, subnet, generation);
      case LeaseEvent.Vanished(long at, Subnet subnet, long generation) ->
          remove(at, subnet, generation);
    }
    revision = Math.max(revision, event.revision());
  }

  private void accept(LeaseEvent.Snapshot snapshot) {
    if (snapshot.revision() < snapshotRevision) {
      return;
    }
    snapshotRevision = snapshot.revision();
    synced = true;
    // An event that overtook the snapshot stays.
    revisions.values().removeIf(at -> at <= snapshotRevision);
    leases.keySet().removeIf(subnet -> !revisions.containsKey(subnet));
    for (Lease lease : snapshot.leases()) {
      if (!revisions.containsKey(lease.subnet())) {
        leases.put(lease.subnet(), lease);
      }
    }
  }

  private void remove(long at, Subnet subnet, long generation) {
    if (isNews(at, subnet, generation)) {
      leases.remove(subnet);
    }
  }

  private boolean isNews(long at, Subnet subnet, long generation) {
    if (at <= snapshotRevision || at <= revisions.getOrDefault(subnet, -1L)) {
      return false;
    }
    Lease held = leases.get(subnet);
    if (held != null && held.generation() > generation) {
      return false;
    }
    revisions.put(subnet, at);
    return true;
  }
}
