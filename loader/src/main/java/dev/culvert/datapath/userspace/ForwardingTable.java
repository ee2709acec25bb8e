// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.userspace.SubnetLookup.Entry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Which subnet is where, at one moment: what the eBPF datapath has in {@code subnets4} and {@code
 * subnets6}. Immutable, so the packet threads read it without locks; a change makes a new one.
 */
final class ForwardingTable {
  private final SubnetLookup<Destination> ipv4;
  private final SubnetLookup<Destination> ipv6;

  ForwardingTable(Collection<LocalSubnet> locals, Collection<RemoteSubnet> remotes) {
    List<Entry<Destination>> entries4 = new ArrayList<>();
    List<Entry<Destination>> entries6 = new ArrayList<>();
    for (LocalSubnet local : locals) {
      add(local.subnet(), Destination.Local.HERE, entries4, entries6);
    }
    for (RemoteSubnet remote : remotes) {
      add(remote.subnet(), new Remote(remote), entries4, entries6);
    }
    ipv4 = new SubnetLookup<>(IpFamily.IPV4.addressBits(), entries4);
    ipv6 = new SubnetLookup<>(IpFamily.IPV6.addressBits(), entries6);
  }

  private static void add(
      Subnet subnet,
      Destination destination,
      List<Entry<Destination>> entries4,
      List<Entry<Destination>> entries6) {
    IpPrefix prefix = subnet.prefix();
    (prefix.family() == IpFamily.IPV4 ? entries4 : entries6)
        .add(
            new Entry<>(
                subnet.vni().value(),
                Addresses.high(prefix.address()),
                Addresses.low(prefix.address()),
                prefix.length(),
                destination));
  }

  private SubnetLookup<Destination> of(IpFamily family) {
    return family == IpFamily.IPV4 ? ipv4 : ipv6;
  }

  /** Where a packet's destination is; null when nobody leases its subnet. */
  Destination destination(int vni, InnerPacket packet) {
    return of(packet.family).find(vni, packet.destinationHigh, packet.destinationLow);
  }

  /** Where a packet's source is; null when nobody leases its subnet. */
  Destination source(int vni, InnerPacket packet) {
    return of(packet.family).find(vni, packet.sourceHigh, packet.sourceLow);
  }
}
