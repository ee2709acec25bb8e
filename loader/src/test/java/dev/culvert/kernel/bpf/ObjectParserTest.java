// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.ProgramSpec;
import dev.culvert.kernel.object.Btf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Object files, good and bad. What the good one holds was read with llvm-readelf and bpftool. */
final class ObjectParserTest {
  private static final int LPM_TRIE = 11;
  private static final int NO_PREALLOC = 1;

  @Test
  void readsMapsAndPrograms() {
    BpfObjectSpec spec = TestObjects.spec("sample");
    assertEquals(
        List.of(
            new MapSpec("per_cpu", 6, new MapSpec.Sizes(4, 4, 3), 0),
            new MapSpec("prefixes", LPM_TRIE, new MapSpec.Sizes(8, 16, 8), NO_PREALLOC),
            new MapSpec("table", 1, new MapSpec.Sizes(4, 8, 4), 0)),
        spec.maps().stream().sorted((a, b) -> a.name().compareTo(b.name())).toList());
    assertEquals(
        List.of(
            "answers",
            "calls",
            "calls_back",
            "returns_mark",
            "shoots",
            "grows",
            "counts",
            "passes",
            "drops"),
        spec.programs().stream().map(ProgramSpec::name).toList());
    assertEquals("tc", spec.programs().get(0).section());
    assertEquals("xdp", spec.programs().get(8).section());
    assertEquals("Dual BSD/GPL", spec.license());
  }

  @Test
  void readsAMapOfMaps() {
    MapDefinitions.Definition outer = TestObjects.spec("map_in_map").mapDefinitions().getFirst();
    // A value is a descriptor; linux/bpf.h: 12 is BPF_MAP_TYPE_ARRAY_OF_MAPS, 2 an array.
    assertEquals(new MapSpec("outer", 12, new MapSpec.Sizes(4, 4, 1), 0), outer.spec());
    assertEquals(
        new MapSpec("outer", 2, new MapSpec.Sizes(4, 4, 1), 0), outer.inner().orElseThrow().like());
  }

  @Test
  void readsCulvertsOwnObject() {
    BpfObjectSpec spec = BpfObjectSpec.parse(TestObjects.culvert(), "culvert.bpf.o");
    List<String> programs = spec.programs().stream().map(ProgramSpec::name).toList();
    assertTrue(programs.containsAll(List.of("from_container", "from_underlay")), "" + programs);
    assertTrue(spec.maps().stream().anyMatch(m -> m.name().equals("subnets4")));
  }

  @Test
  void globalsAreReadAndSet() {
    BpfObjectSpec spec = TestObjects.spec("sample");
    assertEquals(41, spec.global("answer"));
    assertEquals(0x1122334455667788L, spec.global("wide"));
    assertEquals(7, spec.global("narrow"));
    BpfObjectSpec changed = spec.withGlobal("answer", 0xdeadbeefL).withGlobal("wide", -1);
    assertEquals(0xdeadbeefL, changed.global("answer"));
    assertEquals(-1, changed.global("wide"));
    assertEquals(41, spec.global("answer"), "a spec does not change");
    assertEquals(0xffffffffL, spec.withGlobal("answer", -1).global("answer"));
    assertThrows(IllegalArgumentException.class, () -> spec.withGlobal("narrow", 256));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> spec.withGlobal("nothing", 1));
    assertTrue(e.getMessage().contains("answer"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> spec.withGlobal("hidden_zeroed", 1));
  }

  @Test
  void maxEntriesAreSet() {
    BpfObjectSpec spec = TestObjects.spec("sample").withMaxEntries("table", 77);
    assertTrue(spec.maps().contains(new MapSpec("table", 1, new MapSpec.Sizes(4, 8, 77), 0)));
    assertThrows(IllegalArgumentException.class, () -> spec.withMaxEntries("none", 1));
  }

  @ParameterizedTest
  @CsvSource({
    "culvert.bpf.o, .rodata, culvert.rodata",
    "a-long-name.bpf.o, .rodata, a_long_n.rodata",
    "/some/where/culvert.bpf.o, .bss, culvert.bss",
    "longer_than_eight, .data, longer_t.data",
    "culvert.bpf.o, .rodata.str1.1, .rodata.str1.1",
  })
  void dataMapsAreNamedAsLibbpfDoes(String object, String section, String name) {
    assertEquals(name, ObjectReader.dataMapName(object, section));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "core; CO-RE relocations (type relocated)",
        "extern; (kfuncs, or extern symbols of the kernel)",
        "static_map; the map here_only is static",
        "tracing; the program probe is in section kprobe/do_nothing",
        "tail_calls; the map programs has values that are no maps",
      })
  void whatTheLoaderLacksIsRefusedByName(String name, String reason) {
    RefusedException e = assertThrows(RefusedException.class, () -> TestObjects.spec(name));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().startsWith(name + ".bpf.o"), e.getMessage());
  }

  @Test
  void foreignFilesAreRefused() throws Exception {
    assertRefused(new byte[0], "is not an ELF file");
    assertRefused("#!/bin/sh\n".getBytes(java.nio.charset.StandardCharsets.UTF_8), "not an ELF");
    assertRefused(Files.readAllBytes(Path.of("/bin/true")), "not for BPF (247)");
    byte[] big = TestObjects.bytes("sample");
    big[5] = 2; // ELFDATA2MSB
    assertRefused(big, "64-bit little-endian");
    byte[] withoutBtf = TestObjects.bytes("sample");
    replace(withoutBtf, ".BTF\0", ".BAF\0");
    assertRefused(withoutBtf, "has no BTF");
  }

  private static void assertRefused(byte[] file, String reason) {
    RefusedException e =
        assertThrows(RefusedException.class, () -> BpfObjectSpec.parse(file, "file.o"));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().startsWith("file.o"), e.getMessage());
  }

  private static void replace(byte[] file, String from, String to) {
    String text = new String(file, java.nio.charset.StandardCharsets.ISO_8859_1);
    int at = text.indexOf(from);
    assertTrue(at >= 0, from);
    byte[] bytes = to.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    System.arraycopy(bytes, 0, file, at, bytes.length);
  }

  @Test
  void aFileThatEndsEarlyIsRefusedWhereverItEnds() {
    assertRefusedWhenCut(TestObjects.bytes("sample"), 1);
    // Copying a large file once for each of its bytes takes long.
    assertRefusedWhenCut(TestObjects.culvert(), 37);
  }

  private static void assertRefusedWhenCut(byte[] whole, int step) {
    for (int length = whole.length - 1; length >= 0; length -= step) {
      byte[] part = Arrays.copyOf(whole, length);
      RefusedException e =
          assertThrows(
              RefusedException.class,
              () -> BpfObjectSpec.parse(part, "part.o"),
              "cut at " + length);
      assertTrue(
          e.getMessage().startsWith("part.o") && e.getMessage().endsWith("."), e.getMessage());
    }
  }

  @Test
  void btfThatEndsEarlyIsRefusedWhereverItEnds() {
    byte[] whole = TestObjects.spec("sample").btf().toBytes();
    assertArrayEquals(whole, Btf.parse(whole, "whole").toBytes());
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThrows(RefusedException.class, () -> Btf.parse(part, "part"), "cut at " + length);
    }
  }

  /** Damaged files either parse or are refused in one sentence: nothing else, and never long. */
  @Test
  void damagedFilesCauseNothingButRefusals() {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    byte[] good = TestObjects.bytes("sample");
    for (int round = 0; round < 1000; round++) {
      byte[] bad = good.clone();
      for (int i = random.nextInt(8); i >= 0; i--) {
        damage(bad, random);
      }
      try {
        BpfObjectSpec spec = BpfObjectSpec.parse(bad, "bad.o");
        spec.btf().types().forEach(t -> sizeOrRefusal(spec.btf(), t));
      } catch (RefusedException refused) {
        assertTrue(refused.getMessage().startsWith("bad.o"), refused.getMessage());
      } catch (RuntimeException | Error e) {
        fail("seed " + seed + ", round " + round + " (repeat with -Dseed=" + seed + ")", e);
      }
    }
  }

  private static void damage(byte[] file, Random random) {
    int at = random.nextInt(file.length - 8);
    switch (random.nextInt(4)) {
      case 0 -> file[at] = (byte) random.nextInt();
      case 1 -> file[at] ^= (byte) (1 << random.nextInt(8));
      case 2 ->
          ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(at & ~3, random.nextInt());
      default ->
          ByteBuffer.wrap(file)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(at & ~3, random.nextInt(256) - 128);
    }
  }

  private static void sizeOrRefusal(Btf btf, Btf.Type type) {
    try {
      int _ = btf.sizeOf(type.id());
      if (type.kind() == Btf.Kind.STRUCT && !type.name().isEmpty()) {
        Btf.Struct _ = btf.struct(type.name());
      }
    } catch (RefusedException refused) {
      assertTrue(refused.getMessage().startsWith("bad.o"), refused.getMessage());
    }
  }
}
