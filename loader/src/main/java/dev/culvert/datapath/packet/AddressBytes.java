// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.packet;

import dev.culvert.datapath.IpFamily;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteOrder;

/** Addresses in native memory, as headers and maps have them: in the order of the wire. */
public final class AddressBytes {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private AddressBytes() {}

  /** Writes the 4 or 16 bytes of an address; allocates nothing that outlives the call. */
  public static void put(MemorySegment to, long at, InetAddress address) {
    if (address instanceof Inet4Address ipv4) {
      to.set(INT, at, bits(ipv4));
    } else {
      byte[] raw = address.getAddress();
      MemorySegment.copy(raw, 0, to, ValueLayout.JAVA_BYTE, at, raw.length);
    }
  }

  /** Writes 16 bytes whatever the family: IPv4 is mapped (RFC 4291 section 2.5.5.2). */
  public static void putMapped(MemorySegment to, long at, InetAddress address) {
    if (address instanceof Inet4Address ipv4) {
      to.set(LONG, at, 0);
      to.set(LONG, at + 8, 0xffff_0000_0000L | Integer.toUnsignedLong(bits(ipv4)));
    } else {
      put(to, at, address);
    }
  }

  /** Reads the 4 or 16 bytes of an address. */
  public static InetAddress get(MemorySegment from, long at, IpFamily family) {
    return IpFamily.address(from.asSlice(at, family.addressBytes()).toArray(ValueLayout.JAVA_BYTE));
  }

  private static int bits(Inet4Address address) {
    byte[] raw = address.getAddress();
    return raw[0] << 24 | (raw[1] & 0xff) << 16 | (raw[2] & 0xff) << 8 | (raw[3] & 0xff);
  }
}
