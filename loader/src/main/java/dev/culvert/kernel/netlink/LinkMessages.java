// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import java.net.Inet6Address;
import java.nio.charset.StandardCharsets;

/** RTM_*LINK: interfaces (linux/if_link.h). Pure. */
final class LinkMessages {
  /** struct ifinfomsg: family, pad, type (2), index (4), flags (4), change mask (4). */
  private static final int HEADER_BYTES = 16;

  private static final int IFF_UP = 1;
  private static final int IFF_NOARP = 0x80;
  private static final int MAX_ALIAS_BYTES = 255;
  private static final int MAC_BYTES = 6;

  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFLA_LINK = 5;
  private static final int IFLA_MASTER = 10;
  private static final int IFLA_LINKINFO = 18;
  private static final int IFLA_IFALIAS = 20;
  private static final int IFLA_AF_SPEC = 26;
  private static final int IFLA_NET_NS_FD = 28;
  private static final int IFLA_EXT_MASK = 29;
  private static final int IFLA_LINK_NETNSID = 37;
  private static final int IFLA_INFO_KIND = 1;
  private static final int IFLA_INFO_DATA = 2;
  private static final int VETH_INFO_PEER = 1;

  /** Of IFLA_AF_SPEC (linux/if_link.h). */
  private static final int AF_INET = 2;

  private static final int AF_INET6 = 10;
  private static final int IFLA_INET_CONF = 1;

  /** Places in IFLA_INET_CONF (linux/ip.h, IPV4_DEVCONF_*). */
  static final int IPV4_FORWARDING = 1;

  static final int IPV4_RP_FILTER = 8;

  private static final int IFLA_INET6_ADDR_GEN_MODE = 8;
  private static final int ADDR_GEN_MODE_NONE = 1;

  private static final int IFLA_VXLAN_ID = 1;
  private static final int IFLA_VXLAN_LINK = 3;
  private static final int IFLA_VXLAN_LOCAL = 4;
  private static final int IFLA_VXLAN_LEARNING = 7;
  private static final int IFLA_VXLAN_PORT = 15;
  private static final int IFLA_VXLAN_LOCAL6 = 17;
  private static final int IFLA_VXLAN_UDP_ZERO_CSUM6_RX = 20;
  private static final int IFLA_VXLAN_COLLECT_METADATA = 25;

  /** RTEXT_FILTER_SKIP_STATS: counters are most of a link's bytes, and nobody here reads them. */
  private static final int SKIP_STATS = 8;

  private static final int CREATE_NEW =
      NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL;

  private LinkMessages() {}

  static NetlinkMessage dump() {
    return header(new NetlinkMessage(NetlinkRequest.GETLINK, NetlinkMessage.DUMP), 0, 0, 0)
        .attribute32(IFLA_EXT_MASK, SKIP_STATS);
  }

  static NetlinkMessage get(int index) {
    return header(new NetlinkMessage(NetlinkRequest.GETLINK, NetlinkMessage.ACK), index, 0, 0)
        .attribute32(IFLA_EXT_MASK, SKIP_STATS);
  }

  static NetlinkMessage get(InterfaceName name) {
    return get(0).textZ(IFLA_IFNAME, name.text());
  }

  static NetlinkMessage createVeth(VethEnd here, VethEnd peer) {
    NetlinkMessage message =
        header(new NetlinkMessage(NetlinkRequest.NEWLINK, CREATE_NEW), 0, 0, 0);
    end(message, here);
    return message.nest(
        IFLA_LINKINFO,
        () ->
            message
                .text(IFLA_INFO_KIND, "veth")
                .nest(
                    IFLA_INFO_DATA,
                    () -> message.nest(VETH_INFO_PEER, () -> end(header(message, 0, 0, 0), peer))));
  }

  private static void end(NetlinkMessage message, VethEnd end) {
    common(message, end.mac(), end.mtuBytes());
    if (end.namespaceFd() >= 0) {
      message.attribute32(IFLA_NET_NS_FD, end.namespaceFd());
    }
    message.textZ(IFLA_IFNAME, end.name().text());
  }

  private static void common(NetlinkMessage message, byte[] mac, int mtuBytes) {
    if (mtuBytes > 0) {
      message.attribute32(IFLA_MTU, mtuBytes);
    }
    if (mac.length > 0) {
      message.attribute(IFLA_ADDRESS, requireMac(mac));
    }
  }

  /**
   * Without ARP and NDP: a packet's VTEP is decided for each packet, so there are no neighbours.
   */
  static NetlinkMessage createExternalVxlan(
      InterfaceName name, int port, byte[] mac, int mtuBytes) {
    NetlinkMessage message =
        header(new NetlinkMessage(NetlinkRequest.NEWLINK, CREATE_NEW), 0, IFF_NOARP, IFF_NOARP);
    common(message, mac, mtuBytes);
    message.textZ(IFLA_IFNAME, name.text());
    return kind(
        message,
        "vxlan",
        () ->
            message
                .attribute8(IFLA_VXLAN_COLLECT_METADATA, 1)
                // RFC 6935 lets tunnels send a zero checksum over IPv6; accept what hosts send.
                .attribute8(IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1)
                .attribute8(IFLA_VXLAN_LEARNING, 0)
                .attributeBe16(IFLA_VXLAN_PORT, requirePort(port)));
  }

  static NetlinkMessage createVxlan(VxlanLink link) {
    NetlinkMessage message =
        header(new NetlinkMessage(NetlinkRequest.NEWLINK, CREATE_NEW), 0, 0, 0);
    common(message, link.mac(), link.mtuBytes());
    message.textZ(IFLA_IFNAME, link.name().text());
    boolean ipv6 = link.local() instanceof Inet6Address;
    return kind(
        message,
        "vxlan",
        () -> {
          if (link.underlayIndex() != 0) {
            message.attribute32(IFLA_VXLAN_LINK, link.underlayIndex());
          }
          message
              .attribute32(IFLA_VXLAN_ID, link.vni())
              .attribute(ipv6 ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL, link.local())
              .attribute8(IFLA_VXLAN_LEARNING, 0)
              .attributeBe16(IFLA_VXLAN_PORT, requirePort(link.port()));
        });
  }

  static NetlinkMessage createBridge(InterfaceName name) {
    NetlinkMessage message =
        header(new NetlinkMessage(NetlinkRequest.NEWLINK, CREATE_NEW), 0, 0, 0);
    message.textZ(IFLA_IFNAME, name.text());
    return message.nest(IFLA_LINKINFO, () -> message.text(IFLA_INFO_KIND, "bridge"));
  }

  private static NetlinkMessage kind(NetlinkMessage message, String kind, Runnable data) {
    return message.nest(
        IFLA_LINKINFO, () -> message.text(IFLA_INFO_KIND, kind).nest(IFLA_INFO_DATA, data));
  }

  static NetlinkMessage delete(int index) {
    return header(
        new NetlinkMessage(NetlinkRequest.DELLINK, NetlinkMessage.ACK), requireIndex(index), 0, 0);
  }

  static NetlinkMessage setUp(int index, boolean up) {
    return header(
        new NetlinkMessage(NetlinkRequest.NEWLINK, NetlinkMessage.ACK),
        requireIndex(index),
        up ? IFF_UP : 0,
        IFF_UP);
  }

  static NetlinkMessage setMtu(int index, int mtuBytes) {
    return change(index).attribute32(IFLA_MTU, mtuBytes);
  }

  static NetlinkMessage setMac(int index, byte[] mac) {
    return change(index).attribute(IFLA_ADDRESS, requireMac(mac));
  }

  static NetlinkMessage rename(int index, InterfaceName name) {
    return change(index).textZ(IFLA_IFNAME, name.text());
  }

  static NetlinkMessage setNoLinkLocal(int index) {
    NetlinkMessage message = change(index);
    return message.nest(
        IFLA_AF_SPEC,
        () ->
            message.nest(
                AF_INET6, () -> message.attribute8(IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)));
  }

  /** One of an interface's IPv4 settings, as below /proc/sys/net/ipv4/conf/NAME/. */
  static NetlinkMessage setIpv4Setting(int index, int setting, int value) {
    NetlinkMessage message = change(index);
    return message.nest(
        IFLA_AF_SPEC,
        () ->
            message.nest(
                AF_INET,
                () -> message.nest(IFLA_INET_CONF, () -> message.attribute32(setting, value))));
  }

  static NetlinkMessage setAlias(int index, String alias) {
    if (alias.getBytes(StandardCharsets.UTF_8).length > MAX_ALIAS_BYTES) {
      throw new IllegalArgumentException(
          "An interface alias has at most " + MAX_ALIAS_BYTES + " bytes: \"" + alias + "\".");
    }
    return change(index).text(IFLA_IFALIAS, alias);
  }

  static NetlinkMessage setMaster(int index, int master) {
    return change(index).attribute32(IFLA_MASTER, master);
  }

  private static NetlinkMessage change(int index) {
    return header(
        new NetlinkMessage(NetlinkRequest.NEWLINK, NetlinkMessage.ACK), requireIndex(index), 0, 0);
  }

  private static NetlinkMessage header(NetlinkMessage message, int index, int flags, int change) {
    return message.u8(0).u8(0).u16(0).u32(index).u32(flags).u32(change);
  }

  static LinkInfo parse(NetlinkReply reply) {
    NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
    return new LinkInfo(
        reply.s32(4),
        attributes.text(IFLA_IFNAME),
        attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND),
        attributes.number(IFLA_MTU, 0),
        (reply.s32(8) & IFF_UP) != 0,
        attributes.bytes(IFLA_ADDRESS),
        attributes.number(IFLA_LINK, 0),
        attributes.number(IFLA_MASTER, 0),
        attributes.text(IFLA_IFALIAS),
        attributes.number(IFLA_LINK_NETNSID, -1));
  }

  static byte[] requireMac(byte[] mac) {
    if (mac.length != MAC_BYTES) {
      throw new IllegalArgumentException("A MAC address has 6 bytes, not " + mac.length + ".");
    }
    return mac;
  }

  /** Index 0 would make the kernel look for the interface by name, or create one. */
  private static int requireIndex(int index) {
    if (index <= 0) {
      throw new IllegalArgumentException("An interface index is positive, not " + index + ".");
    }
    return index;
  }

  private static int requirePort(int port) {
    if (port < 1 || port > 0xffff) {
      throw new IllegalArgumentException("A UDP port is from 1 to 65535, not " + port + ".");
    }
    return port;
  }

  /** The kernel says EEXIST for two reasons, of which the second is hard to guess. */
  static KernelException vxlanRefused(KernelException refused) {
    return refused.errno() != Errno.EEXIST
        ? refused
        : new KernelException(
            refused.call(),
            refused.target(),
            refused.errnoNumber(),
            "an interface has that name, or another VXLAN device has that port and VNI"
                + " (see \"ip -d link show type vxlan\")");
  }
}
