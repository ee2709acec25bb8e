// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What all hosts of a network must agree on, as the store of leases keeps it. Immutable.
 *
 * @param vni which network
 * @param networks its prefixes and subnet lengths, one of each IP family at most, IPv4 first
 * @param transport how packets travel
 * @param reservations what is not for everybody
 * @param change the last one while hosts ran; empty where there never was one
 */
public record NetworkSettings(
    Vni vni,
    List<OverlayConfig.Network> networks,
    Transport transport,
    Reservations reservations,
    Optional<Change> change) {
  /**
   * How packets travel between hosts.
   *
   * @param port of the tunnel, UDP
   * @param directRouting whether hosts on one link exchange packets as they are
   * @param vni that packets bear; empty for the network's own
   */
  public record Transport(int port, boolean directRouting, Optional<Vni> vni) {
    /** Checks that all is there. */
    public Transport {
      Objects.requireNonNull(vni, "vni");
    }

    /**
     * By the network's own VNI.
     *
     * @param port of the tunnel, UDP
     * @param directRouting whether hosts on one link exchange packets as they are
     */
    public Transport(int port, boolean directRouting) {
      this(port, directRouting, Optional.empty());
    }

    /** As in {@code port 8472, encapsulation, VNI 7 on the wire}. */
    @Override
    public String toString() {
      return "port "
          + port
          + (directRouting ? ", direct routing" : ", encapsulation")
          + vni.map(other -> ", VNI " + other + " on the wire").orElse("");
    }
  }

  /**
   * A change of how packets travel, which hosts follow while they run.
   *
   * @param number 1 for the first, and one more for each
   * @param former how they travelled before
   */
  public record Change(long number, Transport former) {
    /**
     * Checks both.
     *
     * @throws RefusedException for a number below 1
     */
    public Change {
      Objects.requireNonNull(former, "former");
      if (number < 1) {
        throw new RefusedException("Changes are counted from 1 on, so " + number + " is none.");
      }
    }
  }

  /**
   * Checks that what is reserved lies within the network, and overlaps nothing else that is.
   *
   * @throws RefusedException in one sentence that names it
   */
  public NetworkSettings {
    Objects.requireNonNull(networks, "networks");
    Objects.requireNonNull(reservations, "reservations");
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(transport, "transport");
    Objects.requireNonNull(change, "change");
    networks =
        networks.stream()
            .map(network ->
                new OverlayConfig.Network(
                    network.prefix(), network.subnetLength(), Optional.empty()))
            .toList();
    if (networks.isEmpty()) {
      throw new RefusedException("A network has at least one prefix.");
    }
    for (IpPrefix never : reservations.never()) {
      requireInside(networks, never);
    }
    for (Map.Entry<HostName, List<IpPrefix>> entry : reservations.byHost().entrySet()) {
      for (IpPrefix subnet : entry.getValue()) {
        OverlayConfig.Network network = requireInside(networks, subnet);
        if (subnet.length() != network.subnetLength()) {
          throw new RefusedException(
              "The subnet "
                  + subnet
                  + " that is reserved for "
                  + entry.getKey()
                  + " has not the"
                  + " subnet length /"
                  + network.subnetLength()
                  + ".");
        }
        Optional<String> taken = reservations.forbids(entry.getKey(), subnet);
        if (taken.isPresent()) {
          throw new RefusedException(
              "The subnet "
                  + subnet
                  + " cannot be reserved for "
                  + entry.getKey()
                  + ": it is "
                  + taken.get()
                  + ".");
        }
      }
    }
  }

  /**
   * Of a network that was never changed while hosts ran.
   *
   * @param vni which network
   * @param networks its prefixes and subnet lengths
   * @param transport how packets travel
   * @param reservations what is not for everybody
   */
  public NetworkSettings(
      Vni vni,
      List<OverlayConfig.Network> networks,
      Transport transport,
      Reservations reservations) {
    this(vni, networks, transport, reservations, Optional.empty());
  }

  private static OverlayConfig.Network requireInside(
      List<OverlayConfig.Network> networks, IpPrefix reserved) {
    return networks.stream()
        .filter(network -> Prefixes.contains(network.prefix(), reserved))
        .findFirst()
        .orElseThrow(() ->
            new RefusedException("What is reserved, " + reserved + ", is outside the network."));
  }

  /**
   * {@return what a host writes that is the first: its own configuration}
   *
   * @param config whose networks, VNI and direct routing count
   * @param port of the tunnel
   */
  static NetworkSettings of(OverlayConfig config, int port) {
    return new NetworkSettings(
        config.vni(),
        config.networks(),
        new Transport(port, config.directRouting()),
        Reservations.NONE);
  }

  /**
   * Takes it out of a store that holds no lease of the network any more, as the last host does that
   * leaves: if that is what the store says, and nobody reserved anything.
   *
   * @param store that this host is gone from
   * @throws LeaseStoreException when it does not answer
   */
  public void removeIfUnused(LeaseStore store) {
    Objects.requireNonNull(store, "store");
    boolean used = store.list().stream().anyMatch(lease -> lease.subnet().vni().equals(vni));
    if (!used && reservations.equals(Reservations.NONE)) {
      boolean _ = store.putNetwork(vni, Optional.of(this), Optional.empty());
    }
  }

  /** {@return the same with other reservations; this one is left as it is} */
  NetworkSettings withReservations(Reservations other) {
    return new NetworkSettings(vni, networks, transport, other, change);
  }

  /**
   * Sees to it that these are that network's.
   *
   * @param other under which a store is to keep them
   * @throws RefusedException where they are another's
   */
  public void require(Vni other) {
    Objects.requireNonNull(other, "other");
    if (!vni.equals(other)) {
      throw new RefusedException(
          "The settings of the network with VNI "
              + vni
              + " cannot be written as those of VNI "
              + other
              + ".");
    }
  }

  /** {@return the number of the last change; 0 where there never was one} */
  public long number() {
    return change.map(Change::number).orElse(0L);
  }

  /**
   * {@return the same, as what follows on another; this one is left as it is}
   *
   * @param before what hosts go by now
   */
  public NetworkSettings after(NetworkSettings before) {
    Objects.requireNonNull(before, "before");
    Optional<Change> last =
        transport.equals(before.transport)
            ? before.change
            : Optional.of(new Change(before.number() + 1, before.transport));
    return new NetworkSettings(vni, networks, transport, reservations, last);
  }

  /**
   * {@return the same, with packets that travel as another's; this one is left as it is}
   *
   * @param other whose way for packets counts
   */
  public NetworkSettings travelling(NetworkSettings other) {
    Objects.requireNonNull(other, "other");
    return withTransport(other.transport);
  }

  /**
   * {@return the same, with what a configuration leaves out as in another's; this one is left as it
   * is}
   *
   * @param stored what hosts go by, as far as the next two say so
   * @param port whether the port is left out
   * @param directRouting whether direct routing is
   */
  public NetworkSettings following(NetworkSettings stored, boolean port, boolean directRouting) {
    Objects.requireNonNull(stored, "stored");
    return withTransport(
        new Transport(
            (port ? stored : this).transport.port(),
            (directRouting ? stored : this).transport.directRouting()));
  }

  /** {@return the same with another way for packets; this one is left as it is} */
  NetworkSettings withTransport(Transport other) {
    return new NetworkSettings(vni, networks, other, reservations, change);
  }

  /**
   * What hosts must agree on, by the keys of the agent's configuration.
   *
   * @return in the order of the file
   */
  public Map<String, String> agreed() {
    Map<String, String> agreed = new LinkedHashMap<>();
    for (OverlayConfig.Network network : networks) {
      String suffix = network.prefix().family() == IpFamily.IPV6 ? "6" : "";
      agreed.put("network" + suffix, network.prefix().toString());
      agreed.put("subnetLength" + suffix, Integer.toString(network.subnetLength()));
    }
    agreed.put("vni", vni.toString());
    agreed.put("port", Integer.toString(transport.port()));
    agreed.put("directRouting", Boolean.toString(transport.directRouting()));
    return agreed;
  }

  /**
   * Compares what hosts must agree on.
   *
   * @param own another host's, or this one's configuration
   * @return a clause that names each key and both values; empty where they agree
   */
  public Optional<String> contradiction(NetworkSettings own) {
    Objects.requireNonNull(own, "own");
    Map<String, String> there = agreed();
    Map<String, String> here = own.agreed();
    List<String> clauses =
        Stream.concat(there.keySet().stream(), here.keySet().stream())
            .distinct()
            .filter(key -> !Objects.equals(there.get(key), here.get(key)))
            .map(key ->
                key + " is " + text(there.get(key)) + " there and " + text(here.get(key)) + " here")
            .toList();
    return clauses.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", clauses));
  }

  private static String text(String value) {
    return value == null ? "missing" : value;
  }
}
