// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.bpf.TestObjects;
import dev.culvert.kernel.object.Btf.Field;
import dev.culvert.kernel.object.Btf.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** BTF of sample.bpf.c, and mirrors of its structs. */
final class BtfTest {
  private final Btf btf = TestObjects.spec("sample").btf();

  @Test
  void structsHaveNamesOffsetsSizesAndByteOrder() {
    Btf.Struct value = btf.struct("sample_value");
    assertEquals(16, value.sizeBytes());
    assertEquals(
        List.of(
            new Field("count", 0, 8, "__u64", false, 8),
            new Field("port", 8, 2, "__be16", true, 2),
            new Field("mac", 10, 6, "__u8[6]", false, 1)),
        value.fields());
    assertEquals("__be32", btf.struct("sample_key").fields().get(1).typeName());
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> btf.struct("none"));
    assertTrue(e.getMessage().contains("no struct none"), e.getMessage());
  }

  @Test
  void enumerationsKeepTheirSigns() {
    assertEquals(Map.of("SAMPLE_A", 1L, "SAMPLE_B", -2L), btf.enumeration("sample_enum"));
    assertEquals(Map.of("SAMPLE_BIG", 0x1_0000_0000L), btf.enumeration("sample_enum64"));
    assertThrows(IllegalArgumentException.class, () -> btf.enumeration("none"));
  }

  @Test
  void dataSectionsHaveSizesAndOffsets() {
    Btf.Type rodata = btf.find(Kind.DATASEC, ".rodata").orElseThrow();
    assertTrue(rodata.sizeBytes() > 0);
    Btf.Member first = rodata.members().get(0);
    assertEquals(0, first.offset());
    assertEquals("answer", btf.type(first.typeId()).name());
    for (int i = 1; i < rodata.members().size(); i++) {
      assertTrue(rodata.members().get(i - 1).offset() < rodata.members().get(i).offset());
    }
  }

  @Test
  void aHiddenFunctionBecomesStatic() {
    assertEquals(0, btf.find(Kind.FUNC, "hidden_function").orElseThrow().elements());
    assertEquals(1, btf.find(Kind.FUNC, "global_function").orElseThrow().elements());
    assertEquals(0, btf.find(Kind.FUNC, "leaf").orElseThrow().elements());
  }

  @Test
  void aTrueMirrorHasNoDifferences() {
    StructLayout value =
        StructLayout.of("sample_value").u64("count").be16("port").bytes("mac", 6).build();
    assertEquals(List.of(), value.checkAgainst(btf));
    assertEquals(16, value.sizeBytes());
    StructLayout key = StructLayout.of("sample_key").u32("prefix_length").be32("address").build();
    assertEquals(List.of(), key.checkAgainst(btf));
  }

  @Test
  void eachDifferenceIsNamed() {
    assertEquals(
        List.of("sample_key.address is __be32 in C, in the host's order in Java."),
        StructLayout.of("sample_key")
            .u32("prefix_length")
            .u32("address")
            .build()
            .checkAgainst(btf));
    assertEquals(
        List.of("sample_key.prefix_length is __u32 in C, big-endian in Java."),
        StructLayout.of("sample_key")
            .be32("prefix_length")
            .be32("address")
            .build()
            .checkAgainst(btf));
    assertEquals(
        List.of(
            "struct sample_value has 16 bytes in C, 32 in Java.",
            "sample_value.port lies at 8 in C, at 16 in Java.",
            "sample_value.port has 2 bytes in C, 4 in Java.",
            "sample_value.mac is in C, not in Java.",
            "sample_value.gap is in Java, not in C.",
            "sample_value.more is in Java, not in C."),
        StructLayout.of("sample_value")
            .u64("count")
            .bytes("gap", 8)
            .be32("port")
            .u64("more")
            .build()
            .checkAgainst(btf));
    assertEquals(
        List.of("struct none is not in the object."),
        StructLayout.of("none").build().checkAgainst(btf));
  }

  @Test
  void fieldsReadAndWriteTheBytesOfC() {
    StructLayout layout =
        StructLayout.of("s").u8("a").be16("b").be32("c").u64("d").bytes("e", 3).build();
    assertEquals(24, layout.sizeBytes());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(64, 8);
      layout.field("a").set(segment, 32, 255);
      layout.field("b").set(segment, 32, 0x1234);
      layout.field("c").set(segment, 32, 0xc0a80001L);
      layout.field("d").set(segment, 32, -2);
      layout.field("e").setBytes(segment, 32, new byte[] {9, 8});
      // As gcc on x86-64 lays out {u8 = 255; htons(0x1234); htonl(0xc0a80001); u64 = -2; {9, 8,
      // 0}}.
      byte[] expected = {
        -1,
        0,
        0x12,
        0x34,
        (byte) 0xc0,
        (byte) 0xa8,
        0,
        1,
        -2,
        -1,
        -1,
        -1,
        -1,
        -1,
        -1,
        -1,
        9,
        8,
        0,
        0,
        0,
        0,
        0,
        0
      };
      assertEquals(
          List.of(), diff(expected, segment.asSlice(32, 24).toArray(ValueLayout.JAVA_BYTE)));
      assertEquals(255, layout.field("a").get(segment, 32));
      assertEquals(0x1234, layout.field("b").get(segment, 32));
      assertEquals(0xc0a80001L, layout.field("c").get(segment, 32));
      assertEquals(-2, layout.field("d").get(segment, 32));
      assertEquals(9, layout.field("e").bytes(segment, 32)[0]);
      assertThrows(
          IllegalArgumentException.class, () -> layout.field("b").set(segment, 32, 0x10000));
      assertThrows(
          IllegalArgumentException.class,
          () -> layout.field("e").setBytes(segment, 32, new byte[4]));
      assertThrows(IllegalArgumentException.class, () -> layout.field("z"));
    }
  }

  private static List<Integer> diff(byte[] expected, byte[] seen) {
    return java.util.stream.IntStream.range(0, expected.length)
        .filter(i -> expected[i] != seen[i])
        .boxed()
        .toList();
  }
}
