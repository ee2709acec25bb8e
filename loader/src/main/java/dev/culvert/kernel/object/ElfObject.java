// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A relocatable ELF file for BPF, as far as the loader needs it: sections, symbols, relocations
 * (source: elf(5); System V ABI, chapter 4). Pure and immutable.
 */
public final class ElfObject {
  public static final int TYPE_PROGBITS = 1;
  public static final int TYPE_SYMTAB = 2;
  public static final int TYPE_RELA = 4;
  public static final int TYPE_NOBITS = 8;
  public static final int TYPE_REL = 9;
  public static final long FLAG_EXECUTE = 4;

  public static final int SYMBOL_OBJECT = 1;
  public static final int SYMBOL_FUNCTION = 2;
  public static final int SYMBOL_SECTION = 3;
  public static final int BIND_LOCAL = 0;
  public static final int VISIBILITY_HIDDEN = 2;
  public static final int SECTION_UNDEFINED = 0;

  private static final int HEADER_BYTES = 64;
  private static final int SECTION_HEADER_BYTES = 64;
  private static final int SYMBOL_BYTES = 24;
  private static final int REL_BYTES = 16;
  private static final int RELOCATABLE = 1;
  private static final int MACHINE_BPF = 247;

  /** Data is empty for a section that takes no room in the file (.bss); sizeBytes is its size. */
  public record Section(
      int index,
      String name,
      int type,
      long flags,
      int link,
      int info,
      long sizeBytes,
      ByteView data) {
    public boolean has(long flag) {
      return (flags & flag) != 0;
    }
  }

  public record Symbol(
      String name,
      int type,
      int binding,
      int visibility,
      int section,
      long value,
      long sizeBytes) {}

  public record Relocation(long offset, int type, Symbol symbol) {}

  private final String name;
  private final List<Section> sections;
  private final List<Symbol> symbols;

  private ElfObject(String name, List<Section> sections, List<Symbol> symbols) {
    this.name = name;
    this.sections = Collections.unmodifiableList(sections);
    this.symbols = Collections.unmodifiableList(symbols);
  }

  /**
   * Reads a file, whose bytes nobody changes as long as this object is in use.
   *
   * @throws RefusedException in one sentence that says what is wrong with it
   */
  public static ElfObject parse(byte[] file, String name) {
    ByteView view = ByteView.of(file, name);
    checkHeader(view);
    List<Section> sections = readSections(view);
    return new ElfObject(name, sections, readSymbols(name, sections));
  }

  public String name() {
    return name;
  }

  public List<Section> sections() {
    return sections;
  }

  public List<Symbol> symbols() {
    return symbols;
  }

  public Optional<Section> section(String wanted) {
    return sections.stream().filter(s -> s.name().equals(wanted)).findFirst();
  }

  public Section section(int index) {
    if (index < 0 || index >= sections.size()) {
      throw new RefusedException(
          name + " is damaged: it names section " + index + " of " + sections.size() + ".");
    }
    return sections.get(index);
  }

  /** What to mend in {@code target}, in the order of the file. */
  public List<Relocation> relocations(Section target) {
    List<Relocation> result = new ArrayList<>();
    for (Section section : sections) {
      if (section.info() != target.index()) {
        continue;
      }
      if (section.type() == TYPE_RELA) {
        throw new RefusedException(
            name
                + ": section "
                + section.name()
                + " has relocations with addends (RELA); BPF has REL.");
      }
      if (section.type() == TYPE_REL) {
        readRelocations(section, result);
      }
    }
    return result;
  }

  private void readRelocations(Section section, List<Relocation> result) {
    ByteView data = section.data();
    for (long at = 0; at < data.length(); at += REL_BYTES) {
      long offset = data.s64(at);
      long type = data.u32(at + 8);
      long symbol = data.u32(at + 12);
      if (symbol >= symbols.size()) {
        throw new RefusedException(
            data.name() + " is damaged: it names symbol " + symbol + " of " + symbols.size() + ".");
      }
      result.add(new Relocation(offset, (int) type, symbols.get((int) symbol)));
    }
  }

  private static void checkHeader(ByteView file) {
    String name = file.name();
    if (file.length() < 4
        || file.u8(0) != 0x7f
        || file.u8(1) != 'E'
        || file.u8(2) != 'L'
        || file.u8(3) != 'F') {
      throw new RefusedException(name + " is not an ELF file.");
    }
    file.slice(0, HEADER_BYTES, name);
    if (file.u8(4) != 2 || file.u8(5) != 1) {
      throw new RefusedException(
          name + " is not a 64-bit little-endian ELF file: build it with -target bpfel.");
    }
    int machine = file.u16(18);
    if (machine != MACHINE_BPF) {
      throw new RefusedException(
          name
              + " is for ELF machine "
              + machine
              + ", not for BPF ("
              + MACHINE_BPF
              + "): build it with -target bpfel.");
    }
    if (file.u16(16) != RELOCATABLE) {
      throw new RefusedException(
          name
              + " is not a relocatable object (ELF type "
              + file.u16(16)
              + "): compile it with -c.");
    }
    if (file.u16(58) != SECTION_HEADER_BYTES) {
      throw new RefusedException(
          name + " is damaged: its section headers have " + file.u16(58) + " bytes, not 64.");
    }
  }

  private static List<Section> readSections(ByteView file) {
    String name = file.name();
    int count = file.u16(60);
    ByteView table =
        file.slice(file.s64(40), (long) count * SECTION_HEADER_BYTES, name + ", section table");
    int namesIndex = file.u16(62);
    if (namesIndex >= count) {
      throw new RefusedException(name + " is damaged: it has no section names.");
    }
    ByteView names = body(file, table, namesIndex, name + ", section names");
    List<Section> sections = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long at = (long) i * SECTION_HEADER_BYTES;
      String sectionName = i == 0 ? "" : names.cString(table.u32(at));
      sections.add(
          new Section(
              i,
              sectionName,
              table.s32(at + 4),
              table.s64(at + 8),
              table.s32(at + 40),
              table.s32(at + 44),
              table.s64(at + 32),
              body(file, table, i, name + ", section " + sectionName)));
    }
    return sections;
  }

  private static ByteView body(ByteView file, ByteView table, int index, String name) {
    long at = (long) index * SECTION_HEADER_BYTES;
    boolean inFile = index != 0 && table.s32(at + 4) != TYPE_NOBITS;
    return inFile
        ? file.slice(table.s64(at + 24), table.s64(at + 32), name)
        : file.slice(0, 0, name);
  }

  private static List<Symbol> readSymbols(String name, List<Section> sections) {
    List<Symbol> symbols = new ArrayList<>();
    for (Section section : sections) {
      if (section.type() != TYPE_SYMTAB) {
        continue;
      }
      if (section.link() < 0 || section.link() >= sections.size()) {
        throw new RefusedException(name + " is damaged: its symbols have no names.");
      }
      ByteView names = sections.get(section.link()).data();
      ByteView data = section.data();
      for (long at = 0; at < data.length(); at += SYMBOL_BYTES) {
        int info = data.u8(at + 4);
        int owner = data.u16(at + 6);
        symbols.add(
            new Symbol(
                (info & 0xf) == SYMBOL_SECTION && owner < sections.size()
                    ? sections.get(owner).name() // it has no name of its own
                    : symbolName(names, data.u32(at)),
                info & 0xf,
                info >>> 4,
                data.u8(at + 5) & 3,
                owner,
                data.s64(at + 8),
                data.s64(at + 16)));
      }
      return symbols;
    }
    return symbols;
  }

  private static String symbolName(ByteView names, long offset) {
    return offset == 0 ? "" : names.cString(offset);
  }
}
