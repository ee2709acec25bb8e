// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Section .BTF.ext: which function and which source line an instruction belongs to (source:
 * Documentation/bpf/btf.rst, "ELF File Format Interface"). Offsets of instructions are in bytes
 * within their section.
 */
public final class BtfExtension {
  /** Records of one kind: the bytes of one, and all of them by section. */
  public record Table(int recordBytes, Map<String, List<ByteView>> bySection) {
    static final Table EMPTY = new Table(0, Map.of());

    /** The records of a section whose instruction lies in [from, to), in order. */
    List<ByteView> within(String section, long from, long to) {
      List<ByteView> result = new ArrayList<>();
      for (ByteView entry : bySection.getOrDefault(section, List.of())) {
        if (entry.u32(0) >= from && entry.u32(0) < to) {
          result.add(entry);
        }
      }
      return result;
    }
  }

  private static final int MIN_HEADER_BYTES = 24;
  private static final int CORE_HEADER_BYTES = 32;
  private static final int SECTION_HEADER_BYTES = 8;

  public static final BtfExtension EMPTY = new BtfExtension(Table.EMPTY, Table.EMPTY);

  private final Table functions;
  private final Table lines;

  private BtfExtension(Table functions, Table lines) {
    this.functions = functions;
    this.lines = lines;
  }

  /**
   * @throws RefusedException when it is damaged, or holds CO-RE relocations, which the loader does
   *     not support
   */
  public static BtfExtension parse(ByteView section, ByteView names, Btf btf) {
    if (section.u16(0) != BtfParser.MAGIC || section.u8(2) != 1) {
      throw new RefusedException(section.name() + " does not begin as BTF does.");
    }
    long headerBytes = section.u32(4);
    if (headerBytes < MIN_HEADER_BYTES || headerBytes > section.length()) {
      throw new RefusedException(
          section.name() + " is damaged: its header has " + headerBytes + " bytes.");
    }
    ByteView body = section.slice(headerBytes, section.length() - headerBytes, section.name());
    if (headerBytes >= CORE_HEADER_BYTES) {
      rejectCore(readTable(body, section.u32(24), section.u32(28), names), btf);
    }
    return new BtfExtension(
        readTable(body, section.u32(8), section.u32(12), names),
        readTable(body, section.u32(16), section.u32(20), names));
  }

  Table functions() {
    return functions;
  }

  Table lines() {
    return lines;
  }

  private static void rejectCore(Table relocations, Btf btf) {
    Optional<ByteView> first =
        relocations.bySection().values().stream().flatMap(List::stream).findFirst();
    if (first.isPresent()) {
      String type = btf.type(first.get().s32(4)).name();
      throw new RefusedException(
          first.get().name()
              + " needs CO-RE relocations (type "
              + type
              + "), which the loader does not support: avoid preserve_access_index and vmlinux.h.");
    }
  }

  private static Table readTable(ByteView body, long offset, long bytes, ByteView names) {
    if (bytes == 0) {
      return Table.EMPTY;
    }
    ByteView table = body.slice(offset, bytes, body.name());
    long recordBytes = table.u32(0);
    if (recordBytes < 8 || recordBytes > 256 || recordBytes % 4 != 0) {
      throw new RefusedException(
          body.name() + " is damaged: it has records of " + recordBytes + " bytes.");
    }
    Map<String, List<ByteView>> bySection = new LinkedHashMap<>();
    for (long at = 4; at < table.length(); ) {
      String section = names.cString(table.u32(at));
      long count = table.u32(at + 4);
      at += SECTION_HEADER_BYTES;
      table.slice(at, count * recordBytes, body.name());
      List<ByteView> records = bySection.computeIfAbsent(section, s -> new ArrayList<>());
      for (long i = 0; i < count; i++, at += recordBytes) {
        records.add(table.slice(at, recordBytes, body.name()));
      }
    }
    return new Table((int) recordBytes, bySection);
  }
}
