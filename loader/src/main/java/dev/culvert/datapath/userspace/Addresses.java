// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import java.net.InetAddress;
import java.nio.ByteBuffer;

/** An address as two longs; IPv4 is in the low half alone. */
final class Addresses {
  private Addresses() {}

  static long high(InetAddress address) {
    return IpFamily.of(address) == IpFamily.IPV4
        ? 0
        : ByteBuffer.wrap(address.getAddress()).getLong(0);
  }

  static long low(InetAddress address) {
    ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
    return IpFamily.of(address) == IpFamily.IPV4
        ? bytes.getInt(0) & 0xffff_ffffL
        : bytes.getLong(8);
  }
}
