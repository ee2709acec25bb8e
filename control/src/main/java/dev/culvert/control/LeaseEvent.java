// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.List;

/** What a watcher of a store hears. Revisions grow with the store's changes. */
public sealed interface LeaseEvent {
  long revision();

  /**
   * Everything that the store holds at this revision: all else is gone. First event of each watch,
   * and after any gap.
   */
  record Snapshot(long revision, List<Lease> leases) implements LeaseEvent {}

  record Announced(long revision, Lease lease) implements LeaseEvent {}

  record Withdrawn(long revision, Subnet subnet, long generation) implements LeaseEvent {}
}
