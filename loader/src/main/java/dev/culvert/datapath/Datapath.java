// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
  /**
   * A change that could not be applied, and why. It changed nothing.
   *
   * @param change one of those that were asked for
   * @param cause with a sentence for people
   */
  record Failure(Change change, RuntimeException cause) {
    /** Checks that all is there. */
    public Failure {
      Objects.requireNonNull(change, "change");
      Objects.requireNonNull(cause, "cause");
    }
  }

  /**
   * What the tables hold at one moment.
   *
   * @param remotes other hosts' subnets, with the ways there
   * @param locals this host's own subnets
   * @param endpoints this host's containers, but for those behind bridges
   */
  record State(List<RemoteSubnet> remotes, List<LocalSubnet> locals, List<Endpoint> endpoints) {
    /** Checks that all is there. */
    public State {
      Objects.requireNonNull(remotes, "remotes");
      Objects.requireNonNull(locals, "locals");
      Objects.requireNonNull(endpoints, "endpoints");
    }
  }

  /**
   * Makes this host a tunnel end: the device for the host's own traffic with {@code vtep.mac()} and
   * the gateways' addresses, and the programs on the underlay interface. May be called again with
   * other values.
   *
   * @param vni the network
   * @param vtep this host's own tunnel end; its port is {@link #port()}, or the other that is taken
   * @param gateways one for each IP family that the overlay uses
   * @throws IllegalArgumentException when the port is none that is taken
   * @throws RefusedException when this host cannot be one, such as for an underlay MTU that is too
   *     small
   * @throws dev.culvert.kernel.KernelException when the kernel refuses
   */
  void start(Vni vni, Vtep vtep, List<Gateway> gateways);

  /**
   * What {@link #start} was called with last, also by a process before this one, as long as the
   * kernel kept it. Any thread may ask.
   *
   * @return empty when it was never called since the machine started
   */
  Optional<Identity> identity();

  /**
   * Keeps a word for the process after this one, as long as the tables are kept; called once a
   * second at most.
   *
   * @param word one line, less than 1000 characters, in place of the one before
   */
  default void remember(String word) {
    Objects.requireNonNull(word, "word");
  }

  /** {@return what {@link #remember} was given last, also by a process before this one} */
  default Optional<String> remembered() {
    return Optional.empty();
  }

  /** {@return the UDP port of its tunnel, alike on all hosts} Any thread may ask. */
  int port();

  /**
   * {@return whether packets to that UDP port are taken} Any thread may ask.
   *
   * @param udpPort 1 to 65535
   */
  default boolean takes(int udpPort) {
    return udpPort == port();
  }

  /**
   * Whether it can take packets of two {@linkplain Wire kinds}, and bare ones beside encapsulated
   * ones, at the same time, so that the network can change under traffic. Any thread may ask.
   *
   * @return false, unless a datapath can
   */
  default boolean takesTwoWires() {
    return false;
  }

  /**
   * Says what packets of the network are from now on; without losing one of those that are taken
   * before and afterwards. Where the own port becomes another, {@link #start} is to be called
   * again: it makes the device anew, which interrupts what the host's stack carries for a moment.
   *
   * @param network whose packets
   * @param wires taken from now on
   * @throws RefusedException where it cannot
   */
  default void take(Vni network, Wires wires) {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(wires, "wires");
    if (!wires.equals(Wires.of(new Wire(port(), network)))) {
      throw new RefusedException(
          "This datapath takes packets of port " + port() + " and VNI " + network + " alone.");
    }
  }

  /**
   * Applies changes in order, in batches where it can; a failed one does not stop the others.
   *
   * @param changes of one subnet or endpoint, the later count
   * @return those that failed, in any order; empty when all is as asked
   */
  List<Failure> apply(List<Change> changes);

  /** {@return the tables, read back as the kernel has them} */
  State read();

  /** {@return the totals over all CPUs, by verdict; one that never was may be missing} */
  Map<Verdict, Counter> counters();

  /**
   * {@return the way to an underlay address as the kernel routes now; empty when there is none}
   *
   * @param underlayAddress of another host
   */
  Optional<NextHop> nextHop(InetAddress underlayAddress);

  /**
   * The MTU for containers: the narrowest underlay interface's less the overhead of encapsulation,
   * which is 50 bytes over IPv4 and 70 over IPv6. Any thread may ask, also before {@link #start}.
   *
   * @param underlayAddress of this host: its family decides
   * @return in bytes, from the inner IP header on
   * @throws RefusedException when the underlay is missing, or too narrow for the overlay
   */
  int overlayMtuBytes(InetAddress underlayAddress);

  /**
   * Lets a container in by the veth pair that somebody else made for it, with the address that it
   * has. Nothing of the pair is changed, and {@link #detach} leaves it as it was.
   *
   * @param wish which pair, and in which subnets its address may lie
   * @return the endpoint that packets reach now
   * @throws RefusedException when the interface is no such pair, is in a bridge, or has not exactly
   *     one address in the subnet
   * @throws RefusedException where packets do not pass through interfaces' programs
   */
  default Endpoint attachExisting(ExistingInterface wish) {
    Objects.requireNonNull(wish, "wish");
    throw new RefusedException("This datapath attaches only interfaces that it makes itself.");
  }

  /**
   * Puts back what somebody took away or changed of what this datapath made (devices, addresses,
   * routes, settings, attached programs), and brings it in line with the host's network as it is
   * now: MTUs follow the underlay's, on both sides of containers' interfaces, and so does the place
   * where outer headers come off. Called when {@link #watch} told of a change, and every few
   * seconds, since not every change is told; nothing changed is no work. What cannot be put back is
   * in {@link #problems}.
   *
   * @return whether tables changed beside {@link #apply}, so that they are to be read again
   * @throws RefusedException when the underlay's MTU is too small; all stays as it was
   */
  default boolean refresh() {
    return false;
  }

  /**
   * What this datapath does not find on the host as it made it and cannot put back, above all where
   * others' routes or devices are in the way: one sentence each. As of the last {@link #refresh};
   * any thread may ask.
   *
   * @return empty while all is as it was made
   */
  default List<String> problems() {
    return List.of();
  }

  /**
   * Endpoints of the tables whose interface no longer exists on this host: a container that ended
   * took it along.
   *
   * @return empty also from a datapath that cannot tell
   */
  default List<Endpoint> vanishedEndpoints() {
    return List.of();
  }

  /**
   * The endpoint whose interface a container has under that name, whoever made it. To be asked of
   * the container itself: a path may lead to another namespace than it did.
   *
   * @param vni its network
   * @param container namespace and interface; the label does not count
   * @return empty when there is none, and from a datapath that cannot tell: attaching then refuses
   *     what is there
   * @throws NoSuchContainerException when there is no such namespace
   */
  default Optional<Endpoint> attached(Vni vni, ContainerEnd container) {
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(container, "container");
    return Optional.empty();
  }

  /**
   * Creates the container's interface and its endpoint. All or nothing.
   *
   * @param attachment where, and with which addresses
   * @return the endpoint that packets reach now
   * @throws NoSuchContainerException when there is no such namespace
   * @throws InterfaceExistsException when it has an interface of that name already
   * @throws TakenException when an endpoint of this host has one of the addresses, in any network
   * @throws RefusedException for anything else that cannot be, such as the host's own namespace
   */
  Endpoint attach(Attachment attachment);

  /**
   * Lets a foreign bridge's containers into the overlay. The bridge itself is left as it is.
   *
   * @param bridge such as {@code docker0}
   * @param subnets what lies behind it, at most one of each IP family
   * @throws RefusedException when there is no such bridge
   */
  void attachBridge(InterfaceName bridge, List<Subnet> subnets);

  /**
   * Takes our programs and entries off a foreign bridge again.
   *
   * @param bridge one that is gone is no error
   * @throws RefusedException when an interface of that name is there, and was not attached
   */
  void detachBridge(InterfaceName bridge);

  /**
   * Removes a container's interface and its endpoint, with all of its addresses; one that is gone
   * already is no error.
   *
   * @param vni its network
   * @param address any of its addresses
   */
  void detach(Vni vni, InetAddress address);

  /**
   * Tells {@code listener}, on a thread of the datapath's own, that routes, addresses or links
   * changed, so that next hops and endpoints want a second look.
   *
   * @param listener called often, perhaps for nothing; it must not wait
   * @return the caller's to close, which stops it
   */
  AutoCloseable watch(Runnable listener);

  /**
   * Removes everything that this datapath created on this host: programs, pins, devices, routes.
   */
  void remove();

  @Override
  void close();
}
