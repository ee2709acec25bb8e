// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.MapDefinitions.Definition;
import dev.culvert.kernel.bpf.MapDefinitions.Inner;
import dev.culvert.kernel.object.ElfObject;
import dev.culvert.kernel.object.ElfObject.Relocation;
import dev.culvert.kernel.object.ElfObject.Section;
import dev.culvert.kernel.object.ElfObject.Symbol;
import java.util.List;

/**
 * What {@code .values = { &a, [3] = &b }} says: which map of the file stands where in a map of
 * maps. The compiler leaves a relocation in section .maps for each, and no other has a meaning
 * there (source: bpf_object__collect_map_relos() of libbpf).
 */
final class InitialMaps {
  /** R_BPF_64_ABS64: a pointer in data. */
  private static final int POINTER = 2;

  private static final int ARRAY_OF_MAPS = 12;

  private final ElfObject elf;
  private final Section section;
  private final List<Definition> maps;

  /**
   * @param section .maps
   * @param maps all that it defines; those that hold maps learn which
   */
  InitialMaps(ElfObject elf, Section section, List<Definition> maps) {
    this.elf = elf;
    this.section = section;
    this.maps = maps;
  }

  void read() {
    for (Relocation relocation : elf.relocations(section)) {
      Definition outer = holderOf(relocation);
      Inner inner =
          outer.inner().orElseThrow(() -> refused(outer, "is initialised, but is no map of maps"));
      int place = placeOf(relocation, outer, inner);
      inner.initial().put(place, mapAt(relocation.symbol(), outer));
    }
  }

  private Definition holderOf(Relocation relocation) {
    return maps.stream()
        .filter(map -> map.place().holdsPointer(relocation.offset()))
        .findFirst()
        .filter(_ -> relocation.type() == POINTER)
        .orElseThrow(() ->
            new RefusedException(
                elf.name()
                    + " is damaged: section .maps has a relocation of type "
                    + relocation.type()
                    + " at offset "
                    + Long.toUnsignedString(relocation.offset())
                    + ", which is no place of a map."));
  }

  private int placeOf(Relocation relocation, Definition outer, Inner inner) {
    long bytes = relocation.offset() - outer.place().offset() - inner.offset();
    if (bytes < 0 || bytes % Long.BYTES != 0) {
      throw refused(outer, "has a pointer where none of its values is");
    }
    int place = (int) (bytes / Long.BYTES);
    if (outer.spec().type() == ARRAY_OF_MAPS && place >= outer.spec().maxEntries()) {
      throw refused(
          outer,
          "has room for "
              + outer.spec().maxEntries()
              + " maps, but is initialised at place "
              + place);
    }
    if (outer.spec().keyBytes() != Integer.BYTES) {
      throw refused(outer, "is initialised by places, but its keys are no __u32");
    }
    return place;
  }

  private String mapAt(Symbol symbol, Definition outer) {
    return maps.stream()
        .filter(map ->
            symbol.section() == section.index()
                && symbol.type() == ElfObject.SYMBOL_OBJECT
                && symbol.value() == map.place().offset())
        .findFirst()
        .filter(map -> map.inner().isEmpty())
        .map(map -> map.spec().name())
        .orElseThrow(() ->
            refused(
                outer,
                "is initialised with " + symbol.name() + ", which is no map that it can hold"));
  }

  private RefusedException refused(Definition map, String what) {
    return new RefusedException(elf.name() + ": the map " + map.spec().name() + " " + what + ".");
  }
}
