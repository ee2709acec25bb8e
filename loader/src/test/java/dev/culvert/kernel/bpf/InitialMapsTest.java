// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.MapDefinitions.Inner;
import dev.culvert.kernel.object.ElfObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the initialisers of initial_maps.bpf.c say, and relocations that say nonsense. */
final class InitialMapsTest {
  // elf(5): offsets in the header, in a section's header, and in a relocation.
  private static final int SECTION_TABLE = 40;
  private static final int SECTION_COUNT = 60;
  private static final int SECTION_HEADER_BYTES = 64;
  private static final int INFO = 44;
  private static final int BODY = 24;
  private static final int RELOCATION_TYPE = 8;
  private static final int RELOCATION_SYMBOL = 12;

  @Test
  void readsWhichMapStandsWhere() {
    BpfObjectSpec spec = TestObjects.spec("initial_maps");
    assertEquals(Map.of(0, "first", 3, "second"), inner(spec, "places").initial());
    assertEquals(Map.of(2, "first"), inner(spec, "table").initial());
    assertEquals(Map.of(), inner(TestObjects.spec("map_in_map"), "outer").initial());
  }

  private static Inner inner(BpfObjectSpec spec, String map) {
    return spec.mapDefinitions().stream()
        .filter(definition -> definition.spec().name().equals(map))
        .findFirst()
        .flatMap(MapDefinitions.Definition::inner)
        .orElseThrow();
  }

  @Test
  void aRelocationThatIsNoPlaceOfAMapIsRefused() {
    byte[] file = TestObjects.bytes("initial_maps");
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int first = firstRelocationOfMaps(file, bytes);
    long offset = bytes.getLong(first);

    bytes.putLong(first, offset + 1);
    assertRefused(file, "has a pointer where none of its values is");
    bytes.putLong(first, 1L << 40);
    assertRefused(file, "which is no place of a map");
    bytes.putLong(first, -8);
    assertRefused(file, "which is no place of a map");
    bytes.putLong(first, 0); // in "first", which holds numbers
    assertRefused(file, "the map first is initialised, but is no map of maps");
    bytes.putLong(first, offset);

    bytes.putInt(first + RELOCATION_TYPE, 1);
    assertRefused(file, "has a relocation of type 1");
    bytes.putInt(first + RELOCATION_TYPE, 2);
    bytes.putInt(first + RELOCATION_SYMBOL, 0);
    assertRefused(file, "which is no map that it can hold");
  }

  private static int firstRelocationOfMaps(byte[] file, ByteBuffer bytes) {
    int maps = ElfObject.parse(file, "file.o").section(".maps").orElseThrow().index();
    for (int i = 0; i < bytes.getShort(SECTION_COUNT); i++) {
      int header = (int) bytes.getLong(SECTION_TABLE) + i * SECTION_HEADER_BYTES;
      if (bytes.getInt(header + 4) == ElfObject.TYPE_REL && bytes.getInt(header + INFO) == maps) {
        return (int) bytes.getLong(header + BODY);
      }
    }
    throw new AssertionError("no relocations of .maps");
  }

  private static void assertRefused(byte[] file, String reason) {
    var e = assertThrows(RefusedException.class, () -> BpfObjectSpec.parse(file, "file.o"));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }
}
