// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.Objects;

/** What a watcher of a store hears. Revisions grow with the store's changes. */
public sealed interface LeaseEvent {
  /** {@return the store's revision when this was so; grows with each event of a watch} */
  long revision();

  /**
   * Everything that the store holds at this revision: all else is gone. First event of each watch,
   * and after any gap.
   *
   * @param revision of the store when it held just these
   * @param leases ordered by subnet
   */
  record Snapshot(long revision, List<Lease> leases) implements LeaseEvent {
    /** Checks that all is there. */
    public Snapshot {
      Objects.requireNonNull(leases, "leases");
    }
  }

  /**
   * A lease is new or has changed.
   *
   * @param revision of the store since the change
   * @param lease what the store holds now
   */
  record Announced(long revision, Lease lease) implements LeaseEvent {
    /** Checks that all is there. */
    public Announced {
      Objects.requireNonNull(lease, "lease");
    }
  }

  /**
   * A lease was given back, by its holder or in its place.
   *
   * @param revision of the store since then
   * @param subnet what nobody holds now
   * @param generation that of the lease which is gone
   */
  record Withdrawn(long revision, Subnet subnet, long generation) implements LeaseEvent {
    /** Checks that all is there. */
    public Withdrawn {
      Objects.requireNonNull(subnet, "subnet");
    }
  }

  /**
   * A lease is no longer there though nobody gave it back: somebody removed it, or the store lost
   * it, and then its holder writes it again.
   *
   * @param revision of the store since then
   * @param subnet what no lease claims now, though its holder may live
   * @param generation that of the lease which is gone
   */
  record Vanished(long revision, Subnet subnet, long generation) implements LeaseEvent {
    /** Checks that all is there. */
    public Vanished {
      Objects.requireNonNull(subnet, "subnet");
    }
  }
}
