// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.function.Consumer;

/**
 * Where subnets are leased. Implementations may be called from any thread.
 *
 * <p>A store keeps no clock: a lease whose time has passed stays until somebody releases it, so
 * that one host's wrong clock cannot take subnets from the others. {@link Overlay} decides what an
 * expired lease means.
 *
 * <p>The store sets generations: what {@link #acquire} and {@link #renew} return is what it holds.
 *
 * <p>Errors: {@link LeaseStoreException} when the store cannot be reached or holds what it should
 * not; {@link Result.Conflict} results when somebody else was first.
 */
public interface LeaseStore extends AutoCloseable {
  /** The outcome of a compare-and-set. */
  sealed interface Result {
    record Done(Lease lease) implements Result {}

    /** Somebody else holds it; here is what the store has now. */
    record Conflict(Lease current) implements Result {}

    /** There is no lease to renew: it was released, or removed by hand. */
    record Gone(Subnet subnet) implements Result {}
  }

  /** Everything that the store holds, ordered by subnet. */
  List<Lease> list();

  /**
   * Claims a subnet that nobody holds and that overlaps no other lease of the same VNI, of whatever
   * length; atomic among all hosts. The generation is the given one, or 1 if that is less; a caller
   * that knows of an earlier lease of the same subnet passes a greater one.
   *
   * @return {@link Result.Done} or {@link Result.Conflict}, never {@link Result.Gone}
   */
  Result acquire(Lease lease);

  /**
   * Replaces a lease, if the store still has {@code expectedGeneration}; also how a VTEP change is
   * announced. The new generation is {@code expectedGeneration + 1}, whatever {@code lease} says.
   */
  Result renew(Lease lease, long expectedGeneration);

  /**
   * Gives a subnet back, if the store still has that generation; one that is gone already, or has
   * another generation by now, is no error and is left alone.
   */
  void release(Subnet subnet, long generation);

  /**
   * Tells every change, starting with a {@link LeaseEvent.Snapshot}, in order, on a thread of the
   * store's own. Close the result to stop; no event arrives after that.
   */
  AutoCloseable watch(Consumer<LeaseEvent> watcher);

  /**
   * What a person should look at, one sentence each, such as an entry that cannot be read. The rest
   * of the store works on.
   */
  default List<String> problems() {
    return List.of();
  }

  /** Stops all watches. The leases stay. */
  @Override
  void close();
}
