// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import java.util.Optional;

/**
 * Direct-action bpf filters in the clsact qdisc, over a socket bound to the namespace it was opened
 * in. Calls may come from any thread. Every refusal is a {@link KernelException}.
 */
public final class TrafficControl implements AutoCloseable {
  /**
   * Where a filter is.
   *
   * @param egress false for ingress
   * @param priority filters of smaller ones run first; 16 bits
   * @param handle unique within a priority
   */
  public record Place(int interfaceIndex, boolean egress, int priority, int handle) {
    @Override
    public String toString() {
      return (egress ? "egress of " : "ingress of ") + Targets.of(interfaceIndex);
    }
  }

  /**
   * A filter as the kernel tells it.
   *
   * @param kind such as {@code bpf}
   * @param name of its program as it was attached; empty for other kinds
   * @param programId 0 for other kinds
   */
  public record Filter(String kind, String name, int programId) {}

  private final NetlinkCalls calls;

  private TrafficControl(NetlinkCalls calls) {
    this.calls = calls;
  }

  /**
   * Opens a socket in the calling thread's namespace.
   *
   * @param libc the way to the kernel
   * @return the caller's to close
   */
  public static TrafficControl open(Libc libc) {
    return new TrafficControl(new NetlinkCalls(NetlinkSocket.open(libc)));
  }

  /**
   * Adds the qdisc that holds filters of both directions.
   *
   * @return false when a qdisc is in its place, which need not be clsact: see {@link #qdisc}
   */
  public boolean addClsact(int interfaceIndex) {
    return calls.executeIfFree(
        TcMessages.addClsact(interfaceIndex), "clsact qdisc of " + Targets.of(interfaceIndex));
  }

  /** {@return the kind of the qdisc in clsact's place: {@code clsact} or {@code ingress}} */
  public Optional<String> qdisc(int interfaceIndex) {
    return calls
        .dump(TcMessages.dumpQdiscs(interfaceIndex), "qdiscs", NetlinkRequest.NEWQDISC)
        .filter(reply -> TcMessages.isInClsactsPlace(reply, interfaceIndex))
        .map(TcMessages::kind)
        .findFirst();
  }

  /** {@return the filter at a place; empty when there is none, or no such interface} */
  public Optional<Filter> find(Place place) {
    return calls
        .dump(TcMessages.dumpFilters(place), "filters at " + place, NetlinkRequest.NEWTFILTER)
        .filter(reply -> TcMessages.isAt(reply, place))
        .map(TcMessages::parse)
        .findFirst();
  }

  /**
   * Adds a filter; needs the qdisc.
   *
   * @throws KernelException EEXIST when there is one at that place
   */
  public void add(Place place, ProgramReference program) {
    calls.execute(TcMessages.add(place, program), target(place, program));
  }

  /** Adds a filter, or puts it in the place of the one that is there, atomically. */
  public void replace(Place place, ProgramReference program) {
    calls.execute(TcMessages.replace(place, program), target(place, program));
  }

  private static String target(Place place, ProgramReference program) {
    return "bpf filter " + program.name() + " at " + place;
  }

  /**
   * Removes a filter.
   *
   * @return false when there was none, or its interface is gone
   */
  public boolean remove(Place place) {
    return calls.execute(
        TcMessages.remove(place),
        "bpf filter at " + place,
        refused -> refused.errno() == Errno.ENOENT || refused.errno() == Errno.ENODEV);
  }

  @Override
  public void close() {
    calls.close();
  }
}
