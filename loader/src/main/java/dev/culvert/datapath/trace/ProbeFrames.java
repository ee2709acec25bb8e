// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.packet.HeaderTemplate;
import dev.culvert.datapath.packet.InternetChecksum;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/** Finds out by which program a packet comes into the host, and how it looks there. */
final class ProbeFrames {
  /**
   * @param link the interface that the program is on
   */
  @SuppressWarnings("ArrayRecordComponent") // A frame is bytes; two probes are never compared.
  record Probe(String program, LinkInfo link, Vni vni, byte[] frame) {}

  /** Somebody else's, where it does not matter whose. */
  private static final MacAddress SOMEBODY = MacAddress.parse("02:00:00:00:00:01");

  /** Of the outer UDP header; any of the range will do. */
  private static final short SOURCE_PORT = (short) 49152;

  private final Identity identity;
  private final Datapath.State state;
  private final List<LinkInfo> links;

  ProbeFrames(Identity identity, Datapath.State state, List<LinkInfo> links) {
    this.identity = identity;
    this.state = state;
    this.links = links;
  }

  Probe of(ProbePacket packet, Optional<InetAddress> sender) {
    Whereabouts from = whereabouts(sender.orElse(packet.source()));
    return switch (from) {
      case Whereabouts.Container(Endpoint endpoint) ->
          new Probe(
              ProgramNames.FROM_CONTAINER,
              link(endpoint.interfaceIndex(), IpAddresses.text(endpoint.address())),
              endpoint.vni(),
              packet.frame(endpoint.mac(), endpoint.hostMac()));
      case Whereabouts.Host() -> fromHost(packet);
      case Whereabouts.OwnSubnet(LocalSubnet local) when local.bridgeIndex() != 0 ->
          fromBridge(packet, local);
      case Whereabouts.Remote(RemoteSubnet remote) when sender.isEmpty() ->
          fromVtep(packet, remote);
      default -> fromNobody(packet, sender);
    };
  }

  private Whereabouts whereabouts(InetAddress address) {
    return Whereabouts.of(address, identity.vni(), state, Optional.of(identity));
  }

  private Probe fromHost(ProbePacket packet) {
    LinkInfo device = link(HostDevice.NAME);
    return new Probe(
        ProgramNames.FROM_HOST, device, identity.vni(), packet.frame(mac(device), mac(device)));
  }

  private Probe fromBridge(ProbePacket packet, LocalSubnet local) {
    LinkInfo bridge = link(local.bridgeIndex(), local.subnet().toString());
    return new Probe(
        ProgramNames.FROM_CONTAINER,
        bridge,
        local.subnet().vni(),
        packet.frame(SOMEBODY, mac(bridge)));
  }

  /** As its rightful owner sends it: bare on one link, else in VXLAN. */
  private Probe fromVtep(ProbePacket packet, RemoteSubnet remote) {
    if (remote.direct() && remote.nextHop().isPresent()) {
      LinkInfo link = link(remote.nextHop().get().interfaceIndex(), remote.subnet().toString());
      return new Probe(
          ProgramNames.FROM_UNDERLAY,
          link,
          remote.subnet().vni(),
          packet.frame(SOMEBODY, mac(link)));
    }
    return encapsulated(packet, remote.remote().address(), remote.local());
  }

  private Probe fromNobody(ProbePacket packet, Optional<InetAddress> sender) {
    if (sender.isEmpty()) {
      throw new RefusedException(
          "Nobody sends from "
              + IpAddresses.text(packet.source())
              + " here: no container of this host has it, and no other host leases its subnet. To"
              + " see what becomes of a forged packet, name who sends it: a container of this host"
              + " or a VTEP.");
    }
    return encapsulated(packet, sender.get(), identity.vtep());
  }

  /** In VXLAN, from an underlay address to one of this host's. */
  private Probe encapsulated(ProbePacket packet, InetAddress outerSource, Vtep here) {
    LinkInfo underlay = link(identity.underlay());
    InetAddress to = packet.destination();
    Subnet there = new Subnet(identity.vni(), IpPrefix.of(to));
    RemoteSubnet asSeenThere =
        new RemoteSubnet(
            there, new Vtep(outerSource, here.port(), SOMEBODY), here, Optional.empty(), false);
    byte[] header = header(asSeenThere);
    byte[] inner = packet.frame(SOMEBODY, here.mac());
    ByteBuffer out =
        ByteBuffer.allocate(header.length + packet.sizeBytes())
            .put(header)
            .put(inner, PacketHeaders.ETHERNET_BYTES, packet.sizeBytes());
    out.put(0, mac(underlay).toBytes()).put(6, SOMEBODY.toBytes());
    fillIn(out, IpFamily.of(outerSource));
    return new Probe(ProgramNames.FROM_UNDERLAY, underlay, identity.vni(), out.array());
  }

  private static byte[] header(RemoteSubnet to) {
    int bytes = HeaderTemplate.bytesOver(IpFamily.of(to.local().address()));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment header = arena.allocate(bytes, 8);
      HeaderTemplate.write(to, header, 0);
      return header.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** What the template leaves open. */
  private static void fillIn(ByteBuffer out, IpFamily underlay) {
    int ip = PacketHeaders.ETHERNET_BYTES;
    int udp = ip + underlay.headerBytes();
    if (underlay == IpFamily.IPV4) {
      out.putShort(ip + 2, (short) (out.capacity() - ip)).putShort(ip + 10, (short) 0);
      out.putShort(ip + 10, InternetChecksum.of(InternetChecksum.sum(out, ip, udp - ip)));
    } else {
      out.putShort(ip + 4, (short) (out.capacity() - udp));
    }
    out.putShort(udp, SOURCE_PORT).putShort(udp + 4, (short) (out.capacity() - udp));
  }

  private static MacAddress mac(LinkInfo link) {
    return MacAddress.of(link.mac());
  }

  private LinkInfo link(int index, String whose) {
    return links.stream()
        .filter(link -> link.index() == index)
        .findFirst()
        .orElseThrow(() ->
            new RefusedException(
                "The interface "
                    + index
                    + " of "
                    + whose
                    + " is not in this network namespace: it is gone, or the host's namespace is"
                    + " another."));
  }

  private LinkInfo link(InterfaceName name) {
    return links.stream()
        .filter(link -> link.name().equals(name.text()))
        .findFirst()
        .orElseThrow(() ->
            new RefusedException(
                "There is no interface "
                    + name
                    + " in this network namespace: the host's namespace is another."));
  }
}
