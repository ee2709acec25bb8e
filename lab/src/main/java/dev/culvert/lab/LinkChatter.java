// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

/**
 * What hosts and switches say on a link on their own account, whenever they please. No step that
 * counts packets is about it.
 */
final class LinkChatter {
  /** RFC 3376: never forwarded, so its TTL is 1 (section 4). */
  private static final String IGMP = "(ip proto 2 and ip[8] = 1)";

  /**
   * Router and neighbour solicitations and advertisements, redirects: ICMPv6 types 133 to 137,
   * which no router ever forwarded (RFC 4861, sections 4 and 6.1: hop limit 255, code 0).
   */
  private static final String NEIGHBOUR_DISCOVERY =
      "(ip6[6] = 58 and ip6[7] = 255 and ip6[40] >= 133 and ip6[40] <= 137 and ip6[41] = 0)";

  /**
   * ICMPv6 types 130 to 132 and 143, hop limit 1, behind a hop-by-hop header of 8 bytes for the
   * router alert (RFC 2710 section 3, RFC 3810 section 5). pcap's "icmp6" looks behind no such
   * header.
   */
  private static final String MULTICAST_LISTENERS =
      "(ip6[6] = 0 and ip6[7] = 1 and ip6[40] = 58 and ip6[41] = 0"
          + " and (ip6[48] = 143 or (ip6[48] >= 130 and ip6[48] <= 132)))";

  private static final String LLDP = "ether proto 0x88cc";

  private static final String ALL =
      String.join(" or ", "arp", LLDP, IGMP, NEIGHBOUR_DISCOVERY, MULTICAST_LISTENERS);

  private LinkChatter() {}

  /** A filter, as in pcap-filter(7), that takes everything else. */
  static String leftOut() {
    return "not (" + ALL + ")";
  }
}
