// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.KernelException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** RTM_*ROUTE (linux/rtnetlink.h). Pure. */
final class RouteMessages {
  /**
   * struct rtmsg: family, destination's and source's prefix length, tos, table, protocol, scope,
   * type, flags (4).
   */
  private static final int HEADER_BYTES = 12;

  private static final int RTA_DST = 1;
  private static final int RTA_SRC = 2;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PREFSRC = 7;
  private static final int RTA_METRICS = 8;
  private static final int RTA_MULTIPATH = 9;
  private static final int RTA_CACHEINFO = 12;
  private static final int RTA_TABLE = 15;
  private static final int RTA_VIA = 18;
  private static final int RTA_ENCAP_TYPE = 21;
  private static final int RTA_ENCAP = 22;
  private static final int RTAX_MTU = 2;

  /** linux/netlink.h: "what is in here are attributes". */
  private static final int NLA_F_NESTED = 1 << 15;

  // linux/lwtunnel.h
  private static final int LWTUNNEL_ENCAP_BPF = 6;
  private static final int LWT_BPF_OUT = 2;
  private static final int LWT_BPF_PROG_FD = 1;
  private static final int LWT_BPF_PROG_NAME = 2;

  private static final int RTN_UNICAST = 1;
  private static final int RTN_LOCAL = 2;
  private static final int RT_SCOPE_UNIVERSE = 0;
  private static final int RT_SCOPE_LINK = 253;
  private static final int RT_SCOPE_NOWHERE = 255;
  private static final int RTNH_F_ONLINK = 4;
  private static final int RTM_F_CLONED = 0x200;
  private static final int RTM_F_LOOKUP_TABLE = 0x1000;

  /** struct rta_cacheinfo: references, last use, expires (4), ... */
  private static final int EXPIRES_OFFSET = 8;

  /** struct rtnexthop: length (2), flags, hops, index (4), attributes. */
  private static final int NEXT_HOP_BYTES = 8;

  private RouteMessages() {}

  static NetlinkMessage dump(int family) {
    return new NetlinkMessage(NetlinkRequest.GETROUTE, NetlinkMessage.DUMP)
        .u32(family)
        .u32(0)
        .u32(0);
  }

  /**
   * The way of a packet from {@code source}, where rules may have a say; without one, that of the
   * host's own choice.
   */
  static NetlinkMessage lookup(InetAddress destination, Optional<InetAddress> source) {
    int family = AddressMessages.family(destination);
    int addressBits = destination.getAddress().length * 8;
    NetlinkMessage message =
        new NetlinkMessage(NetlinkRequest.GETROUTE, NetlinkMessage.ACK)
            .u8(family)
            .u8(addressBits)
            .u8(source.isPresent() ? addressBits : 0)
            .u8(0)
            .u32(0)
            // Asks for the table that the route is in; IPv6 tells it unasked, and refuses the flag.
            .u32(family == AddressMessages.AF_INET ? RTM_F_LOOKUP_TABLE : 0)
            .attribute(RTA_DST, destination);
    source.ifPresent(address -> message.attribute(RTA_SRC, address));
    return message;
  }

  static NetlinkMessage replace(RouteInfo route) {
    return put(NetlinkMessage.REPLACE, route, _ -> {});
  }

  /** Refused with EEXIST where there is one. */
  static NetlinkMessage add(RouteInfo route) {
    return put(NetlinkMessage.EXCL, route, _ -> {});
  }

  /** A route that runs a program (of section lwt_out) on what it sends. */
  static NetlinkMessage replace(RouteInfo route, ProgramReference out) {
    return put(NetlinkMessage.REPLACE, route, message -> program(message, out));
  }

  /** The same, refused with EEXIST where there is a route. */
  static NetlinkMessage add(RouteInfo route, ProgramReference out) {
    return put(NetlinkMessage.EXCL, route, message -> program(message, out));
  }

  private static void program(NetlinkMessage message, ProgramReference out) {
    Runnable which =
        () -> message.attribute32(LWT_BPF_PROG_FD, out.fd()).textZ(LWT_BPF_PROG_NAME, out.name());
    message
        .nest(NLA_F_NESTED | RTA_ENCAP, () -> message.nest(NLA_F_NESTED | LWT_BPF_OUT, which))
        .attribute16(RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_BPF);
  }

  /**
   * @param how what becomes of a route that is there: NLM_F_REPLACE or NLM_F_EXCL
   */
  private static NetlinkMessage put(
      int how, RouteInfo route, Consumer<NetlinkMessage> encapsulation) {
    NetlinkMessage message =
        new NetlinkMessage(
            NetlinkRequest.NEWROUTE, NetlinkMessage.ACK | NetlinkMessage.CREATE | how);
    // A destination without a gateway is a neighbour: scope link.
    int scope = route.gateway().isEmpty() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    header(message, route, scope, RTN_UNICAST);
    route.preferredSource().ifPresent(source -> message.attribute(RTA_PREFSRC, source));
    encapsulation.accept(message);
    tail(message, route);
    if (route.mtuBytes() > 0) {
      message.nest(RTA_METRICS, () -> message.attribute32(RTAX_MTU, route.mtuBytes()));
    }
    return message;
  }

  static NetlinkMessage remove(RouteInfo route) {
    // Scope nowhere and type 0 match any; the protocol number keeps us from others' routes.
    NetlinkMessage message = new NetlinkMessage(NetlinkRequest.DELROUTE, NetlinkMessage.ACK);
    header(message, route, RT_SCOPE_NOWHERE, 0);
    tail(message, route);
    return message;
  }

  private static int table(RouteInfo route) {
    return route.table() == 0 ? RouteInfo.TABLE_MAIN : route.table();
  }

  private static void header(NetlinkMessage message, RouteInfo route, int scope, int type) {
    int table = table(route);
    int family = AddressMessages.family(route.destination());
    message
        .u8(family)
        .u8(AddressMessages.requireLength(route.destination(), route.prefixLength()))
        .u16(0)
        .u8(table > 255 ? 0 : table)
        .u8(route.protocol() == 0 ? RouteInfo.OUR_PROTOCOL : route.protocol())
        .u8(family == AddressMessages.AF_INET6 ? RT_SCOPE_UNIVERSE : scope) // IPv6 has no scopes.
        .u8(type)
        .u32(route.onLink() ? RTNH_F_ONLINK : 0);
    if (route.prefixLength() > 0) {
      message.attribute(RTA_DST, route.destination());
    }
    route.gateway().ifPresent(gateway -> gateway(message, route.destination(), gateway));
  }

  private static void tail(NetlinkMessage message, RouteInfo route) {
    if (table(route) > 255) {
      message.attribute32(RTA_TABLE, table(route));
    }
    if (route.interfaceIndex() > 0) {
      message.attribute32(RTA_OIF, route.interfaceIndex());
    }
  }

  private static void gateway(NetlinkMessage message, InetAddress to, InetAddress gateway) {
    int family = AddressMessages.family(gateway);
    if (family == AddressMessages.family(to)) {
      message.attribute(RTA_GATEWAY, gateway);
      return;
    }
    byte[] address = gateway.getAddress();
    ByteBuffer via = ByteBuffer.allocate(2 + address.length).order(ByteOrder.nativeOrder());
    message.attribute(RTA_VIA, via.putShort((short) family).put(address).array());
  }

  /** One entry for each next hop; none for routes that lead nowhere (blackhole, unreachable). */
  static List<RouteInfo> parse(NetlinkReply reply) {
    NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
    int family = reply.u8(0);
    int type = reply.u8(7);
    boolean ip = family == AddressMessages.AF_INET || family == AddressMessages.AF_INET6;
    if (!ip || (type != RTN_UNICAST && type != RTN_LOCAL) || (reply.s32(8) & RTM_F_CLONED) != 0) {
      return List.of();
    }
    return nextHops(reply, attributes);
  }

  /** The answer to {@link #lookup}: here a cloned entry is one from the cache of next hops. */
  static Optional<RouteInfo> parseLookup(NetlinkReply reply) {
    NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
    int type = reply.u8(7);
    return type == RTN_UNICAST || type == RTN_LOCAL
        ? nextHops(reply, attributes).stream().findFirst()
        : Optional.empty();
  }

  private static List<RouteInfo> nextHops(NetlinkReply reply, NetlinkAttributes attributes) {
    if (!attributes.has(RTA_MULTIPATH)) {
      return List.of(
          route(
              reply, attributes, new Hop(attributes, attributes.number(RTA_OIF, 0), reply.s32(8))));
    }
    List<RouteInfo> routes = new ArrayList<>();
    ByteBuffer hops = attributes.value(RTA_MULTIPATH).orElseThrow();
    int at = 0;
    while (hops.limit() - at >= NEXT_HOP_BYTES) {
      int length = hops.getShort(at) & 0xffff;
      if (length < NEXT_HOP_BYTES || length > hops.limit() - at) {
        throw NetlinkReply.malformed("a next hop claims " + length + " bytes");
      }
      NetlinkAttributes own =
          NetlinkAttributes.parse(NetlinkReply.slice(hops, at, length), NEXT_HOP_BYTES);
      routes.add(route(reply, attributes, new Hop(own, hops.getInt(at + 4), hops.get(at + 2))));
      at += NetlinkMessage.align(length);
    }
    return routes;
  }

  /**
   * Whether the kernel answers with what a router told it (RFC 1191) and not with the route itself.
   * Such an MTU ends by itself, without notice, so nobody should build on it.
   */
  private static boolean isException(NetlinkReply reply, NetlinkAttributes attributes) {
    return (reply.s32(8) & RTM_F_CLONED) != 0
        && attributes
            .value(RTA_CACHEINFO)
            .filter(info -> info.limit() >= EXPIRES_OFFSET + Integer.BYTES)
            .filter(info -> info.getInt(EXPIRES_OFFSET) > 0)
            .isPresent();
  }

  /** The MTU in the answer to a lookup, lasting or not; 0 when it has none. */
  static int parsePathMtu(NetlinkReply reply) {
    return reply.attributes(HEADER_BYTES).nested(RTA_METRICS).number(RTAX_MTU, 0);
  }

  /** One next hop, of several or the only one; flags as RTNH_F_*. */
  private record Hop(NetlinkAttributes attributes, int interfaceIndex, int flags) {}

  private static RouteInfo route(NetlinkReply reply, NetlinkAttributes attributes, Hop hop) {
    int addressBytes = reply.u8(0) == AddressMessages.AF_INET ? 4 : 16;
    return new RouteInfo(
        attributes
            .address(RTA_DST)
            .orElseGet(() -> NetlinkAttributes.toAddress(new byte[addressBytes])),
        reply.u8(1),
        hop.interfaceIndex(),
        hop.attributes().address(RTA_GATEWAY).or(() -> hop.attributes().via(RTA_VIA)),
        attributes.address(RTA_PREFSRC),
        attributes.number(RTA_TABLE, reply.u8(4)),
        reply.u8(5),
        isException(reply, attributes) ? 0 : attributes.nested(RTA_METRICS).number(RTAX_MTU, 0),
        (hop.flags() & RTNH_F_ONLINK) != 0);
  }

  /** Whether the answer to a lookup says that packets to there go nowhere. */
  static boolean leadsNowhere(KernelException refused) {
    return switch (refused.errno()) {
      case ENETUNREACH, EHOSTUNREACH -> true;
      case EACCES -> true; // A prohibit route.
      case EINVAL -> refused.hint().isEmpty(); // A blackhole; a bad request is explained.
      default -> false;
    };
  }
}
