// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.IpAddresses;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** IPv4 (RFC 791) or IPv6 (RFC 8200), with all in which they differ for an overlay. */
public enum IpFamily {
  /** Headers without options; every host takes 576 bytes (RFC 791 section 3.1). */
  IPV4("IPv4", 4, 20, 576, 0x0800),
  /** Headers without extensions; every link takes 1280 bytes (RFC 8200 section 5). */
  IPV6("IPv6", 16, 40, 1280, 0x86dd);

  /** UDP header, VXLAN header (RFC 7348 section 5) and inner Ethernet header. */
  private static final int UDP_VXLAN_ETHERNET_BYTES = 8 + 8 + 14;

  private final String name;
  private final int addressBytes;
  private final int headerBytes;
  private final int leastMtuBytes;
  private final int etherType;

  IpFamily(String name, int addressBytes, int headerBytes, int leastMtuBytes, int etherType) {
    this.name = name;
    this.addressBytes = addressBytes;
    this.headerBytes = headerBytes;
    this.leastMtuBytes = leastMtuBytes;
    this.etherType = etherType;
  }

  /**
   * {@return the family of an address}
   *
   * @param address one of Java's: an IPv4 address mapped into IPv6 is IPv4 there already
   */
  public static IpFamily of(InetAddress address) {
    Objects.requireNonNull(address, "address");
    return address instanceof Inet4Address ? IPV4 : IPV6;
  }

  /** {@return IPv6 for IPv4, and the reverse} */
  public IpFamily other() {
    return this == IPV4 ? IPV6 : IPV4;
  }

  /**
   * {@return the family whose packets follow an Ethernet header of that type; empty for ARP and all
   * others}
   *
   * @param etherType 16 bits, in the host's byte order
   */
  public static Optional<IpFamily> ofEtherType(int etherType) {
    return Arrays.stream(values()).filter(family -> family.etherType == etherType).findFirst();
  }

  /**
   * An address from its bytes.
   *
   * @param raw 4 bytes, or 16; an IPv4 address mapped into 16 (RFC 4291 section 2.5.5.2) is IPv4
   * @return an address without a name and without a zone
   * @throws IllegalArgumentException for any other number of bytes
   */
  public static InetAddress address(byte[] raw) {
    Objects.requireNonNull(raw, "raw");
    try {
      return InetAddress.getByAddress(raw);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "An IP address has 4 or 16 bytes, not " + raw.length + ".", e);
    }
  }

  /**
   * What there may be one of for each family, IPv4 first.
   *
   * @param <T> what has an address
   * @param things in any order
   * @param address tells a thing's address, whose family counts
   * @return one or two things, unmodifiable
   * @throws IllegalArgumentException for none, or two of one family
   */
  public static <T> List<T> sorted(Collection<T> things, Function<T, InetAddress> address) {
    Objects.requireNonNull(things, "things");
    Objects.requireNonNull(address, "address");
    List<T> sorted =
        things.stream().sorted(Comparator.comparing(thing -> of(address.apply(thing)))).toList();
    long families = sorted.stream().map(thing -> of(address.apply(thing))).distinct().count();
    if (sorted.isEmpty() || families < sorted.size()) {
      throw new IllegalArgumentException(
          "One address is needed, or one of each IP family, not "
              + sorted.stream()
                  .map(thing -> IpAddresses.text(address.apply(thing)))
                  .collect(Collectors.joining(", ", "[", "]"))
              + ".");
    }
    return sorted;
  }

  /** {@return the bytes of an address: 4 or 16} */
  public int addressBytes() {
    return addressBytes;
  }

  /** {@return the bits of an address, which is the longest prefix: 32 or 128} */
  public int addressBits() {
    return addressBytes * Byte.SIZE;
  }

  /** {@return the bytes of an IP header with nothing optional: 20 or 40} */
  public int headerBytes() {
    return headerBytes;
  }

  /** {@return the MTU that each link has at least: 576 or 1280 bytes} */
  public int leastMtuBytes() {
    return leastMtuBytes;
  }

  /**
   * {@return the bytes between the largest inner packet and the largest outer packet over an
   * underlay of this family: 50 or 70} The outer Ethernet header is no part of either.
   */
  public int overheadBytes() {
    return headerBytes + UDP_VXLAN_ETHERNET_BYTES;
  }

  /** {@return the type in the Ethernet header before a packet of this family: 0x0800 or 0x86dd} */
  public int etherType() {
    return etherType;
  }

  /**
   * {@return a netmask: ones, then zeros, in the width of an address}
   *
   * @param length how many ones, 0 to {@link #addressBits()}
   */
  public InetAddress mask(int length) {
    byte[] mask = new byte[addressBytes];
    for (int bit = 0; bit < length; bit++) {
      mask[bit / Byte.SIZE] |= (byte) (0x80 >> bit % Byte.SIZE);
    }
    return address(mask);
  }

  /** As people write it: {@code IPv4} or {@code IPv6}. */
  @Override
  public String toString() {
    return name;
  }
}
