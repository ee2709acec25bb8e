// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.IpAddresses;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Optional;

/** RTM_*ADDR: addresses of interfaces (linux/if_addr.h). Pure. */
final class AddressMessages {
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;

  /** struct ifaddrmsg: family, prefix length, flags, scope, index (4). */
  private static final int HEADER_BYTES = 8;

  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int IFA_F_NODAD = 2;

  // Flags of IPv6 addresses (linux/if_addr.h); of IPv4 the first is IFA_F_SECONDARY.
  private static final int IFA_F_TEMPORARY = 0x01;
  private static final int IFA_F_DADFAILED = 0x08;
  private static final int IFA_F_DEPRECATED = 0x20;

  private AddressMessages() {}

  static NetlinkMessage dump() {
    return new NetlinkMessage(NetlinkRequest.GETADDR, NetlinkMessage.DUMP).u32(0).u32(0);
  }

  static NetlinkMessage add(AddressInfo address) {
    boolean ipv6 = family(address.address()) == AF_INET6;
    // Duplicate detection would hold an IPv6 address back for a second or more; who calls us
    // allocates addresses and knows that they are unique.
    return of(
        new NetlinkMessage(
            NetlinkRequest.NEWADDR,
            NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL),
        address,
        ipv6 ? IFA_F_NODAD : 0);
  }

  static NetlinkMessage remove(AddressInfo address) {
    return of(new NetlinkMessage(NetlinkRequest.DELADDR, NetlinkMessage.ACK), address, 0);
  }

  private static NetlinkMessage of(NetlinkMessage message, AddressInfo address, int flags) {
    return message
        .u8(family(address.address()))
        .u8(requireLength(address.address(), address.prefixLength()))
        .u8(flags)
        .u8(0)
        .u32(address.interfaceIndex())
        .attribute(IFA_LOCAL, address.address())
        .attribute(IFA_ADDRESS, address.address());
  }

  /** Empty for a family other than IPv4 and IPv6. */
  static Optional<AddressInfo> parse(NetlinkReply reply) {
    NetlinkAttributes attributes = reply.attributes(HEADER_BYTES);
    if (reply.u8(0) != AF_INET && reply.u8(0) != AF_INET6) {
      return Optional.empty();
    }
    // On a point-to-point interface IFA_ADDRESS is the other end's.
    return attributes
        .address(IFA_LOCAL)
        .or(() -> attributes.address(IFA_ADDRESS))
        .map(address -> new AddressInfo(reply.s32(4), address, reply.u8(1)));
  }

  /**
   * Whether an address is to be counted on: no temporary one of IPv6 (RFC 8981), which goes within
   * days, no deprecated one (RFC 4862 section 5.5.4), and none that somebody else has.
   */
  static boolean lasts(NetlinkReply reply) {
    int passing = IFA_F_TEMPORARY | IFA_F_DADFAILED | IFA_F_DEPRECATED;
    return reply.require(HEADER_BYTES).u8(0) != AF_INET6 || (reply.u8(2) & passing) == 0;
  }

  static int family(InetAddress address) {
    return address instanceof Inet6Address ? AF_INET6 : AF_INET;
  }

  static int requireLength(InetAddress address, int prefixLength) {
    int bits = address.getAddress().length * 8;
    if (prefixLength < 0 || prefixLength > bits) {
      throw new IllegalArgumentException(
          "The prefix length of "
              + IpAddresses.text(address)
              + " is from 0 to "
              + bits
              + ", not "
              + prefixLength
              + ".");
    }
    return prefixLength;
  }
}
