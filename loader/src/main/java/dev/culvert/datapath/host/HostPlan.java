// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.host.Fixture.Address;
import dev.culvert.datapath.host.Fixture.Device;
import dev.culvert.datapath.host.Fixture.Knob;
import dev.culvert.datapath.host.Fixture.Route;
import dev.culvert.datapath.host.Fixture.Setting;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What should be on this host: the one description that things are made from, kept by, and
 * disturbed by in tests. Pure. Everything stands behind what it needs.
 */
public final class HostPlan {
  /** Who carries packets, and so keeps containers to their own addresses. */
  public enum Carrier {
    /** Programs, which judge each packet: the kernel's own filter would only be in their way. */
    PROGRAMS,
    /** The kernel and this process: reverse path filtering does it. */
    KERNEL
  }

  /**
   * Where the route to the network leads: link-local addresses that nobody has, and that are never
   * on any wire. The device resolves nothing (NOARP), and the programs look at the packet's
   * destination; but without a gateway each destination would take an entry in the kernel's
   * neighbour table, which is small (gc_thresh3, 1024).
   */
  private static final InetAddress BEYOND_IPV4 = InetAddress.ofLiteral("169.254.1.1");

  private static final InetAddress BEYOND_IPV6 = InetAddress.ofLiteral("fe80::1");

  private static final int LOOSE = 2;
  private static final int STRICT = 1;

  private final Carrier carrier;
  private final List<Gateway> gateways;

  public HostPlan(Carrier carrier, List<Gateway> gateways) {
    this.carrier = carrier;
    this.gateways = List.copyOf(gateways);
  }

  /** The overlay networks. */
  List<IpPrefix> networks() {
    return gateways.stream().map(Gateway::network).toList();
  }

  /**
   * The host's own device.
   *
   * @param vtep whose MAC it has; empty where the device has none (TUN)
   * @param judge what judges what the host forwards by the IPv6 route. IPv4 needs none: there the
   *     kernel itself lets nothing in that has one of the host's own addresses as its source
   */
  public List<Fixture> hostDevice(
      int index, Ownership ownership, Optional<Vtep> vtep, Optional<BpfProgram> judge) {
    String name = HostDevice.NAME.text();
    List<Fixture> all = new ArrayList<>();
    all.add(new Device(index, HostDevice.NAME, vtep.map(Vtep::mac), ownership.alias(name)));
    for (Gateway gateway : gateways) {
      all.addAll(forwarding(index, name, gateway.network().family()));
    }
    gateways.forEach(gateway -> all.add(new Address(index, name, gateway.address())));
    for (Gateway gateway : gateways) {
      boolean judged = gateway.network().family() == IpFamily.IPV6;
      all.add(new Route(route(index, gateway), name, judge.filter(_ -> judged)));
    }
    return all;
  }

  private static RouteInfo route(int index, Gateway gateway) {
    return Routes.through(
        gateway.network(), beyond(gateway.network().family()), index, gateway.address());
  }

  /** {@return the next hop of all that leaves by the host's own device, which resolves nothing} */
  public static InetAddress beyond(IpFamily family) {
    return family == IpFamily.IPV4 ? BEYOND_IPV4 : BEYOND_IPV6;
  }

  /**
   * The host's end of a container's pair.
   *
   * @param device what the end is called
   * @param alias as the end was made with
   */
  public List<Fixture> container(Endpoint endpoint, InterfaceName device, String alias) {
    String name = device.text();
    int index = endpoint.interfaceIndex();
    List<Fixture> all = new ArrayList<>();
    all.add(new Device(index, device, Optional.of(endpoint.hostMac()), alias));
    for (InetAddress address : endpoint.addresses()) {
      IpFamily family = IpFamily.of(address);
      if (family == IpFamily.IPV6) {
        // It must not believe a container that it is a router (RFC 4861 section 6.1.2).
        all.add(new Setting(index, name, Knob.ACCEPT_RA, 0));
      } else {
        all.add(new Setting(index, name, Knob.REVERSE_PATH, reversePath()));
      }
      all.addAll(forwarding(index, name, family));
    }
    for (InetAddress address : endpoint.addresses()) {
      Optional<InetAddress> gateway = gateway(IpFamily.of(address));
      // Of IPv6 the host answers for an address only where it is. Of IPv4 it does so anywhere; but
      // the kernel drops routes whose source address is gone, and a TUN device dies with us: so it
      // is here too, and containers of this host reach each other meanwhile.
      gateway
          .filter(_ -> carrier == Carrier.KERNEL || IpFamily.of(address) == IpFamily.IPV6)
          .ifPresent(own -> all.add(new Address(index, name, own)));
      all.add(
          new Route(Routes.onLink(IpPrefix.of(address), index, gateway), name, Optional.empty()));
    }
    return all;
  }

  private int reversePath() {
    return carrier == Carrier.PROGRAMS ? LOOSE : STRICT;
  }

  private Optional<InetAddress> gateway(IpFamily family) {
    return gateways.stream()
        .map(Gateway::address)
        .filter(address -> IpFamily.of(address) == family)
        .findFirst();
  }

  /** So that what the host forwards does not end when somebody switches forwarding off. */
  private static List<Fixture> forwarding(int index, String name, IpFamily family) {
    return family == IpFamily.IPV4
        ? List.of(new Setting(index, name, Knob.FORWARDING, 1))
        : List.of(
            new Setting(index, name, Knob.IPV6_DISABLED, 0),
            new Setting(index, name, Knob.FORCE_FORWARDING, 1));
  }
}
