// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that the control plane asks of a host: hold the tables, move packets by them, say what is
 * there. Called by one thread, except {@link #counters()} and {@link #read()}, which any thread may
 * call.
 *
 * <p>What a datapath makes outlives it: {@link #close()} lets go and packets keep flowing; {@link
 * #remove()} takes everything away that this datapath created, and nothing else.
 */
public interface Datapath extends AutoCloseable {
  /** A change that could not be applied, and why. It changed nothing. */
  record Failure(Change change, RuntimeException cause) {}

  /** What the tables hold now. */
  record State(List<RemoteSubnet> remotes, List<LocalSubnet> locals, List<Endpoint> endpoints) {}

  /**
   * Makes this host a tunnel end: the device for the host's own traffic with {@code vtep.mac()} and
   * the gateways' addresses, and the programs on the underlay interface. May be called again with
   * other values.
   *
   * @param gateways one for each IP family that the overlay uses
   */
  void start(Vni vni, Vtep vtep, List<Gateway> gateways);

  /** For an overlay of one IP family. */
  default void start(Vni vni, Vtep vtep, InetAddress gateway, IpPrefix network) {
    start(vni, vtep, List.of(new Gateway(gateway, network)));
  }

  /**
   * What {@link #start} was called with last, also by a process before this one, as long as the
   * kernel kept it; empty when it was never called since the machine started. Any thread may ask.
   */
  Optional<Identity> identity();

  /** The UDP port of its tunnel, alike on all hosts. Any thread may ask. */
  int port();

  /** Applies changes in order, in batches where it can; a failed one does not stop the others. */
  List<Failure> apply(List<Change> changes);

  /** Reads the tables back, as the kernel has them. */
  State read();

  /** Total over all CPUs, by verdict. */
  Map<Verdict, Counter> counters();

  /** The way to an underlay address as the kernel routes now; empty when there is none. */
  Optional<NextHop> nextHop(InetAddress underlayAddress);

  /**
   * The MTU for containers: the narrowest underlay interface's less the overhead of encapsulation,
   * which is 50 bytes over IPv4 and 70 over IPv6. Any thread may ask, also before {@link #start}.
   *
   * @param underlayAddress of this host: its family decides
   */
  int overlayMtuBytes(InetAddress underlayAddress);

  /**
   * Lets a container in by the veth pair that somebody else made for it, with the address that it
   * has. Nothing of the pair is changed, and {@link #detach} leaves it as it was.
   *
   * @throws RefusedException when the interface is no such pair, is in a bridge, or has not exactly
   *     one address in the subnet
   * @throws RefusedException where packets do not pass through interfaces' programs
   */
  default Endpoint attachExisting(ExistingInterface wish) {
    throw new RefusedException("This datapath attaches only interfaces that it makes itself.");
  }

  /**
   * Brings what this datapath made in line with the host's network as it is now: MTUs follow the
   * underlay's, on both sides of containers' interfaces, and so does the place where outer headers
   * come off. Called when {@link #watch} told of a change; nothing changed is no work.
   *
   * @throws RefusedException when the underlay's MTU is too small; all stays as it was
   */
  default void refresh() {}

  /**
   * Endpoints of the tables whose interface no longer exists on this host: a container that ended
   * took it along. A datapath that cannot tell says none.
   */
  default List<Endpoint> vanishedEndpoints() {
    return List.of();
  }

  /**
   * Creates the container's interface and its endpoint. All or nothing.
   *
   * @throws RefusedException when the namespace has an interface of that name already, or an
   *     endpoint of this host has one of the addresses, in any network
   */
  Endpoint attach(Attachment attachment);

  /**
   * Lets a foreign bridge's containers into the overlay. The bridge itself is left as it is.
   *
   * @param subnets what lies behind it, at most one of each IP family
   */
  void attachBridge(String bridge, List<Subnet> subnets);

  /** Takes our programs and entries off a foreign bridge again. */
  void detachBridge(String bridge);

  /**
   * Removes a container's interface and its endpoint, with all of its addresses; one that is gone
   * already is no error.
   *
   * @param address any of its addresses
   */
  void detach(Vni vni, InetAddress address);

  /**
   * Tells {@code listener}, on a thread of the datapath's own, that routes, addresses or links
   * changed, so that next hops and endpoints want a second look. Close the result to stop.
   */
  AutoCloseable watch(Runnable listener);

  /**
   * Removes everything that this datapath created on this host: programs, pins, devices, routes.
   */
  void remove();

  @Override
  void close();
}
