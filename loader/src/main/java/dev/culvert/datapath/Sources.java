// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static dev.culvert.datapath.Layouts.INTERFACE;

import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.Optional;

/** Values of map interfaces: which sources may enter, one prefix of each family. */
final class Sources {
  private Sources() {}

  /** Fills in the source's family; what the value has of the other stays. */
  static void encode(Subnet source, Optional<MacAddress> mac, int endpointId, MemorySegment value) {
    IpPrefix prefix = source.prefix();
    Layouts.putInt(value, INTERFACE, "vni", source.vni().value());
    Layouts.putInt(value, INTERFACE, "flags", mac.isPresent() ? Layouts.INTERFACE_CHECK_MAC : 0);
    Layouts.putInt(value, INTERFACE, "endpoint_id", endpointId);
    mac.ifPresent(m -> Layouts.putBytes(value, INTERFACE, "mac", m.toBytes()));
    InetAddress mask = IpPrefix.mask(prefix.isIpv4(), prefix.length());
    if (prefix.isIpv4()) {
      Layouts.putInt(value, INTERFACE, "source4", Layouts.ipv4Bits(prefix.address()));
      Layouts.putInt(value, INTERFACE, "source4_mask", Layouts.ipv4Bits(mask));
    } else {
      Layouts.putBytes(value, INTERFACE, "source6", prefix.address().getAddress());
      Layouts.putBytes(value, INTERFACE, "source6_mask", mask.getAddress());
    }
  }

  /** The address that may enter, of one family; all zeros when there is none. */
  static InetAddress address(MemorySegment value, boolean ipv4) {
    return ipv4
        ? Layouts.ipv4(Layouts.getInt(value, INTERFACE, "source4"))
        : Layouts.address(Layouts.getBytes(value, INTERFACE, "source6"));
  }
}
