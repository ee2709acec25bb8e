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
 */
public record NetworkSettings(
    Vni vni, List<OverlayConfig.Network> networks, Transport transport, Reservations reservations) {
  /**
   * How packets travel between hosts.
   *
   * @param port of the tunnel, UDP
   * @param directRouting whether hosts on one link exchange packets as they are
   */
  public record Transport(int port, boolean directRouting) {}

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
    return new NetworkSettings(vni, networks, transport, other);
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
