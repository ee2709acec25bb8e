// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Keeps a {@link LeaseMemory} equal to what the store holds. Used by the overlay's thread alone.
 */
final class Remembering {
  /** What other hosts do is written no more often: each renews now and then. */
  private static final Duration PERIOD = Duration.ofSeconds(5);

  private final Optional<LeaseMemory> memory;
  private final SteadyClock clock;
  private List<Lease> own = List.of();
  private List<Lease> all = List.of();
  private Optional<NetworkSettings> network = Optional.empty();
  private Instant nextAt = Instant.MIN;

  Remembering(Optional<LeaseMemory> memory, SteadyClock clock) {
    this.memory = memory;
    this.clock = clock;
  }

  /**
   * After the store was heard.
   *
   * @param held this host's leases that nobody else has or may have
   * @param agreed what the store says of the network
   * @param stored what the store holds; asked when it is to be written
   */
  void update(
      List<Lease> held,
      Optional<NetworkSettings> agreed,
      Supplier<List<Lease>> stored,
      Instant now) {
    boolean same = held.equals(own) && agreed.equals(network);
    if (memory.isEmpty() || (same && now.isBefore(nextAt))) {
      return;
    }
    List<Lease> next = new ArrayList<>(held);
    stored.get().stream().filter(lease -> !isOneOf(held, lease)).forEach(next::add);
    nextAt = now.plus(PERIOD);
    if (!next.equals(all) || !agreed.equals(network)) {
      memory.get().remember(new LeaseMemory.Remembered(clock.wall(), next, agreed));
      own = held;
      network = agreed;
      all = next;
    }
  }

  private static boolean isOneOf(List<Lease> held, Lease other) {
    return held.stream().anyMatch(lease -> lease.subnet().equals(other.subnet()));
  }

  void forget() {
    memory.ifPresent(LeaseMemory::forget);
  }
}
