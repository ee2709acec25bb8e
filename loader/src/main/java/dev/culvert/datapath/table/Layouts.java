// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.packet.AddressBytes;
import dev.culvert.kernel.object.StructLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.util.List;

/**
 * The structs of bpf/src/maps.h, field for field; a unit test holds each against the object's BTF.
 * Big-endian fields are {@code __be32} there, all others are in the host's order.
 */
public final class Layouts {
  /** CULVERT_ABI_VERSION in bpf/src/config.h: pins made under another number are not taken over. */
  public static final int ABI_VERSION = 1;

  /** Bytes of an address that may belong to either family; IPv4 is mapped (RFC 4291, 2.5.5.2). */
  static final int ADDRESS_BYTES = IpFamily.IPV6.addressBytes();

  static final int SUBNET_LOCAL = 1;
  static final int SUBNET_DIRECT = 2;
  static final int SUBNET_UNDERLAY_IPV6 = 4;
  static final int SUBNET_UNREACHABLE = 8;
  static final int SUBNET_BARE_TOO = 16;

  static final int VTEP_SELF = 1;

  static final int ENDPOINT_PEER = 1;

  static final int INTERFACE_CHECK_MAC = 1;
  static final int INTERFACE_LENT_ROOM = 2;

  static final int DEVICE_ROUTE_JUDGES = 1;

  public static final int TRACE_DROPS = 1;
  public static final int TRACE_FLOWS = 2;
  public static final int TRACE_MARKED = 4;

  /** Bytes of one tracer's ring buffer. */
  public static final int TRACE_RING_BYTES = 256 * 1024;

  /** The key of arrays: the place. */
  static final ValueLayout.OfInt PLACE = ValueLayout.JAVA_INT_UNALIGNED;

  /** The key of map interfaces: an interface index. */
  static final ValueLayout.OfInt INTERFACE_KEY = ValueLayout.JAVA_INT_UNALIGNED;

  /** The key of map paths: a VTEP's number. */
  static final ValueLayout.OfInt PATH_KEY = ValueLayout.JAVA_INT_UNALIGNED;

  /** The key of map masks: always 0. */
  static final ValueLayout.OfInt MASKS_KEY = ValueLayout.JAVA_INT_UNALIGNED;

  /** The key of maps flows_kept and devices: always 0. */
  static final ValueLayout.OfInt ONE_KEY = ValueLayout.JAVA_INT_UNALIGNED;

  /** The value of map flows_kept: 0 or 1. */
  static final ValueLayout.OfInt FLOWS_KEPT = ValueLayout.JAVA_INT_UNALIGNED;

  /** The key of map counters: a verdict. */
  static final ValueLayout.OfInt COUNTER_KEY = ValueLayout.JAVA_INT_UNALIGNED;

  static final StructLayout SUBNET4_KEY =
      StructLayout.of("subnet4_key").u32("prefix_length").be32("vni").be32("address").build();

  static final StructLayout SUBNET6_KEY =
      StructLayout.of("subnet6_key")
          .u32("prefix_length")
          .be32("vni")
          .bytes("address", ADDRESS_BYTES)
          .build();

  static final StructLayout SUBNET =
      StructLayout.of("subnet")
          .u32("flags")
          .u32("ifindex")
          .u32("mtu_bytes")
          .u32("vtep_id")
          .bytes("remote", ADDRESS_BYTES)
          .bytes("gateway", ADDRESS_BYTES)
          .bytes("header", 88)
          .build();

  static final StructLayout EXACT4_KEY =
      StructLayout.of("exact4_key").be32("vni").be32("address").build();

  static final StructLayout EXACT6_KEY =
      StructLayout.of("exact6_key").be32("vni").bytes("address", ADDRESS_BYTES).build();

  static final StructLayout SUBNET_MASKS =
      StructLayout.of("subnet_masks")
          .be32("ipv4")
          .bytes("pad", 4)
          .bytes("ipv6", ADDRESS_BYTES)
          .build();

  static final StructLayout VTEP_KEY =
      StructLayout.of("vtep_key").bytes("address", ADDRESS_BYTES).build();

  static final StructLayout VTEP = StructLayout.of("vtep").u32("flags").u32("vtep_id").build();

  static final StructLayout PATH =
      StructLayout.of("path").u64("expires_ns").u32("mtu_bytes").u32("pad").build();

  static final StructLayout ENDPOINT4_KEY =
      StructLayout.of("endpoint4_key").be32("vni").be32("address").build();

  static final StructLayout ENDPOINT6_KEY =
      StructLayout.of("endpoint6_key").be32("vni").bytes("address", ADDRESS_BYTES).build();

  static final StructLayout ENDPOINT =
      StructLayout.of("endpoint")
          .u32("ifindex")
          .u32("flags")
          .u32("endpoint_id")
          .bytes("mac", 6)
          .bytes("host_mac", 6)
          .build();

  static final StructLayout INTERFACE =
      StructLayout.of("interface")
          .be32("vni")
          .u32("flags")
          .u32("endpoint_id")
          .be32("source4")
          .be32("source4_mask")
          .bytes("mac", 6)
          .bytes("pad", 2)
          .bytes("source6", ADDRESS_BYTES)
          .bytes("source6_mask", ADDRESS_BYTES)
          .build();

  static final StructLayout FLOW_KEY =
      StructLayout.of("flow_key")
          .be32("vni")
          .u8("protocol")
          .u8("kind")
          .bytes("pad", 2)
          .bytes("source", ADDRESS_BYTES)
          .bytes("destination", ADDRESS_BYTES)
          .be16("source_port")
          .be16("destination_port")
          .build();

  static final StructLayout FLOW =
      StructLayout.of("flow").u64("expires_ns").u32("flags").u32("pad").build();

  static final StructLayout DEVICE = StructLayout.of("device").u32("ifindex").u32("flags").build();

  static final StructLayout COUNTER =
      StructLayout.of("counter").u64("packets").u64("bytes").build();

  static final StructLayout TRAFFIC =
      StructLayout.of("traffic")
          .u64("sent_packets")
          .u64("sent_bytes")
          .u64("received_packets")
          .u64("received_bytes")
          .build();

  public static final StructLayout TRACER =
      StructLayout.of("tracer")
          .u64("until_ns")
          .u64("owner")
          .u32("flags")
          .u32("sample")
          .u32("mark")
          .u32("pad")
          .build();

  public static final StructLayout TRACE_EVENT =
      StructLayout.of("trace_event")
          .u64("time_ns")
          .u32("program")
          .u32("verdict")
          .u32("ifindex")
          .u32("length_bytes")
          .u32("captured_bytes")
          .u32("mark")
          .be32("vni")
          .u32("pad")
          .bytes("outer_source", ADDRESS_BYTES)
          .bytes("packet", 144)
          .build();

  /** Every struct of maps.h. */
  static final List<StructLayout> ALL =
      List.of(
          SUBNET4_KEY,
          SUBNET6_KEY,
          SUBNET,
          EXACT4_KEY,
          EXACT6_KEY,
          SUBNET_MASKS,
          VTEP_KEY,
          VTEP,
          PATH,
          ENDPOINT4_KEY,
          ENDPOINT6_KEY,
          ENDPOINT,
          INTERFACE,
          FLOW_KEY,
          FLOW,
          DEVICE,
          COUNTER,
          TRAFFIC,
          TRACER,
          TRACE_EVENT);

  private Layouts() {}

  public static int getInt(MemorySegment from, StructLayout struct, String field) {
    return (int) struct.field(field).get(from, 0);
  }

  public static void putInt(MemorySegment to, StructLayout struct, String field, int value) {
    struct.field(field).set(to, 0, Integer.toUnsignedLong(value));
  }

  public static byte[] getBytes(MemorySegment from, StructLayout struct, String field) {
    return struct.field(field).bytes(from, 0);
  }

  /** Copies bytes to the start of a field; the rest of the field becomes zero. */
  static void putBytes(MemorySegment to, StructLayout struct, String field, byte[] value) {
    struct.field(field).setBytes(to, 0, value);
  }

  /** Writes an address of either family into a field of sixteen bytes. */
  static void putAddress(MemorySegment to, StructLayout struct, String field, InetAddress address) {
    AddressBytes.putMapped(to, struct.field(field).offsetBytes(), address);
  }

  /** Writes the 4 or 16 bytes of an address to the start of a field. */
  static void putRaw(MemorySegment to, StructLayout struct, String field, InetAddress address) {
    AddressBytes.put(to, struct.field(field).offsetBytes(), address);
  }

  /** Reads the 4 or 16 bytes that {@link #putRaw} wrote. */
  static InetAddress getRaw(
      MemorySegment from, StructLayout struct, String field, IpFamily family) {
    return AddressBytes.get(from, struct.field(field).offsetBytes(), family);
  }
}
