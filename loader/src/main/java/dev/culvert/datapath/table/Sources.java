// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.INTERFACE;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.Optional;

/** Values of map interfaces: which sources may enter, one prefix of each family. */
final class Sources {
  private static final ByFamily<String> SOURCES = new ByFamily<>("source4", "source6");
  private static final ByFamily<String> MASKS = new ByFamily<>("source4_mask", "source6_mask");

  private Sources() {}

  /** Fills in the source's family; what the value has of the other stays. */
  static void encode(Subnet source, Optional<MacAddress> mac, int endpointId, MemorySegment value) {
    IpPrefix prefix = source.prefix();
    Layouts.putInt(value, INTERFACE, "vni", source.vni().value());
    Layouts.putInt(value, INTERFACE, "flags", mac.isPresent() ? Layouts.INTERFACE_CHECK_MAC : 0);
    Layouts.putInt(value, INTERFACE, "endpoint_id", endpointId);
    mac.ifPresent(m -> Layouts.putBytes(value, INTERFACE, "mac", m.toBytes()));
    Layouts.putRaw(value, INTERFACE, SOURCES.of(prefix.family()), prefix.address());
    InetAddress mask = prefix.family().mask(prefix.length());
    Layouts.putRaw(value, INTERFACE, MASKS.of(prefix.family()), mask);
  }

  /** The address that may enter, of one family; all zeros when there is none. */
  static InetAddress address(MemorySegment value, IpFamily family) {
    return Layouts.getRaw(value, INTERFACE, SOURCES.of(family), family);
  }
}
