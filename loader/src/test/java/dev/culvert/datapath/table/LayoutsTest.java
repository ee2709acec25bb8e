// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.Verdict;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.object.StructLayout;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Holds the Java side of the contract against the BTF of the object that is shipped. */
class LayoutsTest {
  static final List<StructLayout> ALL = Layouts.ALL;

  private static final BpfObjectSpec OBJECT = PrebuiltObject.spec();

  @ParameterizedTest
  @FieldSource("ALL")
  void mirrorsTheStructInC(StructLayout mirror) {
    // Keys and values that only maps name are in BTF all the same, through __type().
    assertEquals(List.of(), mirror.checkAgainst(OBJECT.btf()));
  }

  @Test
  void mapsHaveOurSizes() {
    TreeMap<String, String> expected = new TreeMap<>();
    expected.put("subnets4", sizes(Layouts.SUBNET4_KEY, Layouts.SUBNET));
    expected.put("subnets6", sizes(Layouts.SUBNET6_KEY, Layouts.SUBNET));
    expected.put("exact4", sizes(Layouts.EXACT4_KEY, Layouts.SUBNET));
    expected.put("exact6", sizes(Layouts.EXACT6_KEY, Layouts.SUBNET));
    expected.put("masks", "4/" + Layouts.SUBNET_MASKS.sizeBytes());
    expected.put("vteps", sizes(Layouts.VTEP_KEY, Layouts.VTEP));
    expected.put("paths", "4/" + Layouts.PATH.sizeBytes());
    expected.put("endpoints4", sizes(Layouts.ENDPOINT4_KEY, Layouts.ENDPOINT));
    expected.put("endpoints6", sizes(Layouts.ENDPOINT6_KEY, Layouts.ENDPOINT));
    expected.put("interfaces", "4/" + Layouts.INTERFACE.sizeBytes());
    expected.put("flows", sizes(Layouts.FLOW_KEY, Layouts.FLOW));
    expected.put("answer_due_ns", "4/8");
    expected.put("flows_kept", "4/4");
    expected.put("devices", "4/" + Layouts.DEVICE.sizeBytes());
    expected.put("counters", "4/" + Layouts.COUNTER.sizeBytes());
    expected.put("vtep_traffic", "4/" + Layouts.TRAFFIC.sizeBytes());
    expected.put("endpoint_traffic", "4/" + Layouts.TRAFFIC.sizeBytes());
    expected.put("trace_wanted", "4/4");
    expected.put("tracers", "4/" + Layouts.TRACER.sizeBytes());
    expected.put("trace_lost", "4/8");
    expected.put("trace_rings", "4/4");
    TreeMap<String, String> actual = new TreeMap<>();
    for (MapSpec map : OBJECT.maps()) {
      actual.put(map.name(), map.keyBytes() + "/" + map.valueBytes());
    }
    assertEquals(expected, actual);
    // What is pinned under these names is also what is taken away in the end.
    assertEquals(actual.keySet(), Set.copyOf(Tables.MAPS));
  }

  private static String sizes(StructLayout key, StructLayout value) {
    return key.sizeBytes() + "/" + value.sizeBytes();
  }

  @Test
  @SuppressWarnings("EnumOrdinal") // The place is the number in C: that is what is tested.
  void verdictsAreThoseOfTheObject() {
    Map<String, Long> enumerators = OBJECT.btf().enumeration("verdict");
    TreeMap<Long, String> expected = new TreeMap<>();
    enumerators.forEach((name, value) -> {
      if (!name.equals("VERDICT_COUNT")) {
        assertTrue(name.startsWith("VERDICT_"), name);
        expected.put(value, name.substring("VERDICT_".length()));
      }
    });
    TreeMap<Long, String> actual = new TreeMap<>();
    for (Verdict verdict : Verdict.values()) {
      actual.put((long) verdict.ordinal(), verdict.name());
    }
    assertEquals(expected, actual);
    assertEquals(Verdict.values().length, enumerators.get("VERDICT_COUNT"));
  }

  @Test
  void programsAreThoseOfTheObject() {
    Map<String, Long> expected = new TreeMap<>();
    for (int i = 0; i < ProgramNames.BY_NUMBER.size(); i++) {
      expected.put("PROGRAM_" + ProgramNames.BY_NUMBER.get(i).toUpperCase(Locale.ROOT), (long) i);
    }
    assertEquals(expected, new TreeMap<>(OBJECT.btf().enumeration("program")));
  }

  /** Macros and unused enums leave no BTF, so these are read from the source. */
  @Test
  void constantsAreThoseOfTheSource() throws Exception {
    String maps = Files.readString(Path.of("../bpf/src/maps.h"));
    String config = Files.readString(Path.of("../bpf/src/config.h"));
    assertEquals(Layouts.SUBNET_LOCAL, constant(maps, "SUBNET_LOCAL = "));
    assertEquals(Layouts.SUBNET_DIRECT, constant(maps, "SUBNET_DIRECT = "));
    assertEquals(Layouts.SUBNET_UNDERLAY_IPV6, constant(maps, "SUBNET_UNDERLAY_IPV6 = "));
    assertEquals(Layouts.SUBNET_UNREACHABLE, constant(maps, "SUBNET_UNREACHABLE = "));
    assertEquals(Layouts.SUBNET_BARE_TOO, constant(maps, "SUBNET_BARE_TOO = "));
    assertEquals(Layouts.VTEP_SELF, constant(maps, "VTEP_SELF = "));
    assertEquals(Layouts.ENDPOINT_PEER, constant(maps, "ENDPOINT_PEER = "));
    assertEquals(Layouts.INTERFACE_CHECK_MAC, constant(maps, "INTERFACE_CHECK_MAC = "));
    assertEquals(Layouts.INTERFACE_LENT_ROOM, constant(maps, "INTERFACE_LENT_ROOM = "));
    assertEquals(Layouts.DEVICE_ROUTE_JUDGES, constant(maps, "DEVICE_ROUTE_JUDGES = "));
    assertEquals(Layouts.TRACE_DROPS, constant(maps, "TRACE_DROPS = "));
    assertEquals(Layouts.TRACE_FLOWS, constant(maps, "TRACE_FLOWS = "));
    assertEquals(Layouts.TRACE_MARKED, constant(maps, "TRACE_MARKED = "));
    assertEquals(Layouts.TRACE_RING_BYTES, 1024 * constant(maps, "#define TRACE_RING_BYTES ("));
    assertEquals(Layouts.ABI_VERSION, constant(config, "#define CULVERT_ABI_VERSION "));
  }

  private static int constant(String source, String before) {
    Matcher matcher = Pattern.compile(Pattern.quote(before) + "(\\d+)").matcher(source);
    assertTrue(matcher.find(), before);
    return Integer.parseInt(matcher.group(1));
  }

  @Test
  void addressesOfBothFamiliesTakeSixteenBytes() throws Exception {
    InetAddress ipv4 = InetAddress.ofLiteral("10.17.2.2");
    // RFC 4291 section 2.5.5.2: 80 bits of zero, 16 of one, the IPv4 address.
    assertArrayEquals(HexFormat.of().parseHex("00000000000000000000ffff0a110202"), asVtepKey(ipv4));
    assertEquals(ipv4, IpFamily.address(asVtepKey(ipv4)));
    InetAddress ipv6 = InetAddress.ofLiteral("fd17::2");
    assertArrayEquals(HexFormat.of().parseHex("fd170000000000000000000000000002"), asVtepKey(ipv6));
    assertEquals(ipv6, IpFamily.address(asVtepKey(ipv6)));
  }

  private static byte[] asVtepKey(InetAddress address) {
    byte[] key = new byte[Layouts.VTEP_KEY.sizeBytes()];
    Layouts.putAddress(MemorySegment.ofArray(key), Layouts.VTEP_KEY, "address", address);
    return key;
  }
}
