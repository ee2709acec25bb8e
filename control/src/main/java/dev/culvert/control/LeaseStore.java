// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Where subnets are leased. Implementations may be called from any thread.
 *
 * <p>A store ends no lease: one whose time has passed stays until somebody releases it, so that one
 * host's wrong clock cannot take subnets from the others. {@link Overlay} decides what an expired
 * lease means.
 *
 * <p>The store sets generations: what {@link #acquire} and {@link #renew} return is what it holds.
 * The generations of a subnet never fall, also from one holder to the next: a claim goes on above
 * all that the store remembers of that subnet.
 *
 * <p>Errors: {@link LeaseStoreException} when the store cannot be reached, cannot be written, is
 * closed or holds what it should not; {@link Result.Conflict} results when somebody else was first.
 */
public interface LeaseStore extends AutoCloseable {
  /** The outcome of a compare-and-set. */
  sealed interface Result {
    /**
     * It is as asked.
     *
     * @param lease what the store holds now
     */
    record Done(Lease lease) implements Result {
      /** Checks that all is there. */
      public Done {
        Objects.requireNonNull(lease, "lease");
      }
    }

    /**
     * Nothing was changed: somebody else was first.
     *
     * @param current what the store has
     */
    record Conflict(Lease current) implements Result {
      /** Checks that all is there. */
      public Conflict {
        Objects.requireNonNull(current, "current");
      }
    }

    /**
     * There is no lease to renew: it was released, or removed by hand.
     *
     * @param subnet whose
     */
    record Gone(Subnet subnet) implements Result {
      /** Checks that all is there. */
      public Gone {
        Objects.requireNonNull(subnet, "subnet");
      }
    }
  }

  /**
   * Everything that the store holds.
   *
   * @return ordered by subnet
   * @throws LeaseStoreException when it cannot be read
   */
  List<Lease> list();

  /**
   * Whether the store answers: returns where it does, or did a moment ago. A cheaper question than
   * {@link #list}, where the store has one.
   *
   * @throws LeaseStoreException when it cannot be read
   */
  default void probe() {
    List<Lease> _ = list();
  }

  /**
   * Whether the store has exactly this lease now: a cheaper question than {@link #list}, where the
   * store can answer it by itself.
   *
   * @param lease with its generation and term
   * @return false where another is in its place, or none
   * @throws LeaseStoreException when it cannot be read
   */
  default boolean holds(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    return list().contains(lease);
  }

  /**
   * Claims a subnet that nobody holds and that overlaps no other lease of the same VNI, of whatever
   * length; atomic among all hosts. Its generation is one more than the highest that this very
   * subnet ever had, as far as the store remembers, also when that lease was released; a caller
   * that knows better passes a greater one. The first is 1.
   *
   * @param lease with the least generation to give it, 0 where the caller knows of none
   * @return {@link Result.Done} or {@link Result.Conflict}, never {@link Result.Gone}
   * @throws LeaseStoreException when it cannot be written
   */
  Result acquire(Lease lease);

  /**
   * Claims the first of some subnets that can be claimed, each as by {@link #acquire}: for a host
   * that is content with any, while many others may be asking too. A store over a network does it
   * in one request.
   *
   * @param wanted at least one, of subnets that do not overlap, in the order of preference
   * @return {@link Result.Done} for the one that was claimed, and nothing else was; {@link
   *     Result.Conflict} with what is in the way of one of them
   * @throws LeaseStoreException when it cannot be written
   */
  default Result acquireFirst(List<Lease> wanted) {
    Objects.requireNonNull(wanted, "wanted");
    Result result = acquire(wanted.getFirst());
    for (int i = 1; i < wanted.size() && !(result instanceof Result.Done); i++) {
      result = acquire(wanted.get(i));
    }
    return result;
  }

  /**
   * Replaces a lease, if the store still has exactly {@code held}: the same holder, generation and
   * term. So nobody overwrites what another host got or a person wrote meanwhile, whatever its
   * generation. Also how a VTEP change is announced. The new generation is one more than that of
   * {@code held}, or that of {@code wanted} where it is greater still: after a backup was restored
   * its holder knows of generations that the store does not.
   *
   * @param held what the caller believes to be there
   * @param wanted what is to be there, of the same subnet
   * @return any of the three: {@link Result.Conflict} where the store has something else than
   *     {@code held}
   * @throws LeaseStoreException when it cannot be written
   */
  Result renew(Lease held, Lease wanted);

  /**
   * Gives a subnet back, if the store still has exactly {@code held}; one that is gone already, or
   * has changed, is no error and is left alone.
   *
   * @param held what the caller believes to be there
   * @throws LeaseStoreException when it cannot be written
   */
  void release(Lease held);

  /**
   * Tells every change, starting with a {@link LeaseEvent.Snapshot}, in order, on a thread of the
   * store's own. Close the result to stop; no event arrives after that.
   *
   * @param watcher called for one event at a time; what it throws must not end the watch
   * @return the caller's to close; closing the store does it too
   * @throws LeaseStoreException when it cannot be read
   */
  AutoCloseable watch(Consumer<LeaseEvent> watcher);

  /**
   * What all hosts of a network must agree on, if somebody wrote it: as {@link #list} or a watch
   * last came upon it, where either was asked for, else as it is now.
   *
   * @param vni of the network
   * @return empty for a store that does not keep it, that holds none, or one that makes no sense
   *     (see {@link #problems})
   * @throws LeaseStoreException when it cannot be read
   */
  default Optional<NetworkSettings> network(Vni vni) {
    Objects.requireNonNull(vni, "vni");
    return Optional.empty();
  }

  /**
   * Writes what all hosts of a network must agree on, or takes it away, if the store still has
   * exactly what is expected.
   *
   * @param vni of the network
   * @param expected empty where nothing is there
   * @param wanted of that VNI; empty to take it away
   * @return false where something else is there, which stays; also for a store that keeps none
   * @throws dev.culvert.kernel.RefusedException where {@code wanted} is another network's
   * @throws LeaseStoreException when it cannot be written
   */
  default boolean putNetwork(
      Vni vni, Optional<NetworkSettings> expected, Optional<NetworkSettings> wanted) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(expected, "expected");
    Objects.requireNonNull(wanted, "wanted");
    return false;
  }

  /**
   * How long a host that lives may take to hear of a change in this store and to answer it, at
   * most: whoever has to know whether a lease's holder lives changes the lease and waits for so
   * long.
   *
   * @return longer than zero, the same for as long as the store is open; one second unless a store
   *     says otherwise
   */
  default Duration reactionTime() {
    return Duration.ofSeconds(1);
  }

  /**
   * How long hosts that live may take, at most, until each has written its lease again to a store
   * that was away for long or was restored from an old backup. All leases have ended when such a
   * store comes back, and all holders come back to it at once. Whoever wants the subnet of a lease
   * that has ended gives its holder so long to say that it lives.
   *
   * @return not shorter than {@link #reactionTime}, which it is unless a store says otherwise
   */
  default Duration returnTime() {
    return reactionTime();
  }

  /**
   * How long a call may take that ends well, so that an overlay gives none up which would; it waits
   * two seconds longer.
   *
   * @return more than nothing
   */
  default Duration longestCall() {
    return Duration.ofSeconds(10);
  }

  /**
   * Whether this store looks new, or lost what it held, so short a time ago that what it does not
   * hold may still be a living host's, which is about to write its lease again. Newcomers wait
   * until it does not.
   *
   * @return false, unless a store can tell
   * @throws LeaseStoreException when it cannot be read
   */
  default boolean looksNew() {
    return false;
  }

  /**
   * What time it is by the clock of whatever keeps the leases (a server, a file system). Whoever
   * judges leases that it did not watch asks it besides its own clock, and takes the earlier of the
   * two: a lease ends too late rather than too early.
   *
   * @return as of some moment since the call, to the second; empty for a store that has no clock
   * @throws LeaseStoreException when it cannot be asked
   */
  default Optional<Instant> time() {
    return Optional.empty();
  }

  /**
   * What a person should look at, such as an entry that cannot be read, or leases that people wrote
   * and that overlap. The rest of the store works on. Where nothing is watched, it is what {@link
   * #list} came upon last.
   *
   * @return one sentence each; empty where all is well
   */
  default List<String> problems() {
    return List.of();
  }

  /** Stops all watches. The leases stay; whatever is asked afterwards is refused. */
  @Override
  void close();
}
