// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.SUBNET;
import static dev.culvert.datapath.table.Layouts.SUBNET4_KEY;
import static dev.culvert.datapath.table.Layouts.SUBNET6_KEY;

import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.packet.HeaderTemplate;
import dev.culvert.kernel.object.StructLayout;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.Optional;

/** Keys and values of maps subnets4 and subnets6. */
final class SubnetEntries {
  /** Bits of the VNI in front of the address in an LPM key. */
  private static final int VNI_BITS = 32;

  private static final ByFamily<StructLayout> KEYS = new ByFamily<>(SUBNET4_KEY, SUBNET6_KEY);

  private SubnetEntries() {}

  static void encodeKey(Subnet subnet, MemorySegment key) {
    IpPrefix prefix = subnet.prefix();
    StructLayout layout = KEYS.of(prefix.family());
    Layouts.putInt(key, layout, "prefix_length", VNI_BITS + prefix.length());
    Layouts.putInt(key, layout, "vni", subnet.vni().value());
    Layouts.putRaw(key, layout, "address", prefix.address());
  }

  static Subnet decodeKey(IpFamily family, MemorySegment key) {
    StructLayout layout = KEYS.of(family);
    InetAddress address = Layouts.getRaw(key, layout, "address", family);
    int length = Layouts.getInt(key, layout, "prefix_length") - VNI_BITS;
    return new Subnet(new Vni(Layouts.getInt(key, layout, "vni")), new IpPrefix(address, length));
  }

  static void encodeRemote(RemoteSubnet remote, int vtepId, MemorySegment value) {
    IpFamily underlay = IpFamily.of(remote.remote().address());
    int flags =
        (remote.direct() ? Layouts.SUBNET_DIRECT : 0)
            | (remote.bareToo() ? Layouts.SUBNET_BARE_TOO : 0)
            | (underlay == IpFamily.IPV6 ? Layouts.SUBNET_UNDERLAY_IPV6 : 0)
            | (remote.nextHop().isPresent() ? 0 : Layouts.SUBNET_UNREACHABLE);
    HeaderTemplate.write(remote, value, SUBNET.field("header").offsetBytes());
    Layouts.putInt(value, SUBNET, "flags", flags);
    Layouts.putInt(value, SUBNET, "vtep_id", vtepId);
    Layouts.putAddress(value, SUBNET, "remote", remote.remote().address());
    if (remote.nextHop().isPresent()) {
      NextHop hop = remote.nextHop().get();
      int overhead = remote.direct() ? 0 : underlay.overheadBytes();
      Layouts.putInt(value, SUBNET, "ifindex", hop.interfaceIndex());
      Layouts.putInt(value, SUBNET, "mtu_bytes", hop.mtuBytes() - overhead);
      Layouts.putAddress(value, SUBNET, "gateway", hop.gateway());
    }
  }

  /**
   * @param localPort the tunnel's port on this host, which the entry does not hold
   */
  static RemoteSubnet decodeRemote(Subnet subnet, MemorySegment value, int localPort) {
    int flags = Layouts.getInt(value, SUBNET, "flags");
    IpFamily underlay = (flags & Layouts.SUBNET_UNDERLAY_IPV6) == 0 ? IpFamily.IPV4 : IpFamily.IPV6;
    boolean direct = (flags & Layouts.SUBNET_DIRECT) != 0;
    HeaderTemplate header = HeaderTemplate.of(Layouts.getBytes(value, SUBNET, "header"), underlay);
    Optional<NextHop> hop = Optional.empty();
    if ((flags & Layouts.SUBNET_UNREACHABLE) == 0) {
      InetAddress gateway = IpFamily.address(Layouts.getBytes(value, SUBNET, "gateway"));
      int overhead = direct ? 0 : underlay.overheadBytes();
      hop =
          Optional.of(
              new NextHop(
                  Layouts.getInt(value, SUBNET, "ifindex"),
                  header.source(),
                  gateway,
                  Layouts.getInt(value, SUBNET, "mtu_bytes") + overhead,
                  gateway.equals(header.remote().address())));
    }
    Vtep local = new Vtep(header.source(), localPort, header.localMac());
    boolean bareToo = (flags & Layouts.SUBNET_BARE_TOO) != 0;
    return new RemoteSubnet(subnet, local, header.remote(), hop, direct, bareToo, header.vni());
  }

  static void encodeLocal(LocalSubnet local, MemorySegment value) {
    Layouts.putInt(value, SUBNET, "flags", Layouts.SUBNET_LOCAL);
    Layouts.putInt(value, SUBNET, "ifindex", local.bridgeIndex());
    Layouts.putAddress(value, SUBNET, "gateway", Gateway.addressIn(local.subnet().prefix()));
  }
}
