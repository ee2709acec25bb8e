// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a host keeps over a reboot, so that it can start while the store of leases is away: its
 * kernel has forgotten everything then. Called by the overlay's thread alone.
 */
public interface LeaseMemory {
  /**
   * What the store held when it was last heard.
   *
   * @param written when, by this machine's clock
   * @param leases this host's own, unless it had lost them, and the others'
   * @param network how packets travel, and what else hosts agreed on; empty where that was not kept
   */
  record Remembered(Instant written, List<Lease> leases, Optional<NetworkSettings> network) {
    /** Copies the list. */
    public Remembered {
      Objects.requireNonNull(written, "written");
      Objects.requireNonNull(network, "network");
      leases = List.copyOf(Objects.requireNonNull(leases, "leases"));
    }
  }

  /** {@return what was kept; empty where there is nothing, or nothing that makes sense} */
  Optional<Remembered> recall();

  /**
   * Keeps this in place of what was kept before, whole or not at all.
   *
   * @param remembered what the store holds
   * @throws RuntimeException when it cannot be written, which is told and tried again
   */
  void remember(Remembered remembered);

  /** Nothing is kept any more: this host left. That there was nothing is no error. */
  void forget();
}
