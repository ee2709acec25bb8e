// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.Objects;
import java.util.Optional;

/** Where an inner address is, as the tables of one host say. */
public sealed interface Whereabouts {
  /**
   * A container of this host.
   *
   * @param endpoint its interface, with the address among its own
   */
  record Container(Endpoint endpoint) implements Whereabouts {
    /** Checks that all is there. */
    public Container {
      Objects.requireNonNull(endpoint, "endpoint");
    }
  }

  /** This host itself: its own address in the overlay. */
  record Host() implements Whereabouts {}

  /**
   * In a subnet of this host, where no container is known to have it.
   *
   * @param subnet what lies behind a bridge has an address that the tables do not know
   */
  record OwnSubnet(LocalSubnet subnet) implements Whereabouts {
    /** Checks that all is there. */
    public OwnSubnet {
      Objects.requireNonNull(subnet, "subnet");
    }
  }

  /**
   * In another host's subnet.
   *
   * @param subnet with the way there
   */
  record Remote(RemoteSubnet subnet) implements Whereabouts {
    /** Checks that all is there. */
    public Remote {
      Objects.requireNonNull(subnet, "subnet");
    }
  }

  /** In no subnet of this network. */
  record Outside() implements Whereabouts {}

  /**
   * Looks an address up as the programs do: containers first, then the longest prefix.
   *
   * @param address an inner one
   * @param vni its network
   * @param state what the tables hold
   * @param identity empty where the datapath was never started: no address is the host's then
   * @return one of the five; never null
   */
  static Whereabouts of(
      InetAddress address, Vni vni, Datapath.State state, Optional<Identity> identity) {
    Objects.requireNonNull(address, "address");
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(identity, "identity");
    for (Endpoint endpoint : state.endpoints()) {
      if (endpoint.vni().equals(vni) && endpoint.addresses().contains(address)) {
        return new Container(endpoint);
      }
    }
    if (identity.stream()
        .flatMap(own -> own.gateways().stream())
        .anyMatch(gateway -> gateway.address().equals(address))) {
      return new Host();
    }
    Optional<LocalSubnet> local =
        state.locals().stream()
            .filter(l -> contains(l.subnet(), vni, address))
            .max(Comparator.comparingInt(l -> l.subnet().prefix().length()));
    Optional<RemoteSubnet> remote =
        state.remotes().stream()
            .filter(r -> contains(r.subnet(), vni, address))
            .max(Comparator.comparingInt(r -> r.subnet().prefix().length()));
    int localBits = local.map(l -> l.subnet().prefix().length()).orElse(-1);
    int remoteBits = remote.map(r -> r.subnet().prefix().length()).orElse(-1);
    if (localBits < 0 && remoteBits < 0) {
      return new Outside();
    }
    return localBits >= remoteBits ? new OwnSubnet(local.get()) : new Remote(remote.get());
  }

  private static boolean contains(Subnet subnet, Vni vni, InetAddress address) {
    return subnet.vni().equals(vni) && subnet.prefix().contains(address);
  }
}
