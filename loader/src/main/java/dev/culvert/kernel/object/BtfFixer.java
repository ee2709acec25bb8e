// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.object.ElfObject.Relocation;
import dev.culvert.kernel.object.ElfObject.Section;
import dev.culvert.kernel.object.ElfObject.Symbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;

/**
 * Makes the BTF of an object file what the kernel accepts. The compiler knows neither the sizes of
 * data sections nor the offsets of variables in them, and the kernel does not know of hidden
 * symbols.
 */
public final class BtfFixer {
  private static final int R_BPF_64_ABS32 = 3;
  private static final int R_BPF_64_NODYLD32 = 4;
  private static final int TYPE_BYTES = 12;
  private static final int VARIABLE_BYTES = 12;
  private static final int GLOBAL_LINKAGE = 1;

  private final ElfObject elf;
  private final Section section;
  private final ByteBuffer bytes;

  private BtfFixer(ElfObject elf, Section section) {
    this.elf = elf;
    this.section = section;
    this.bytes = ByteBuffer.wrap(section.data().copy()).order(ByteOrder.LITTLE_ENDIAN);
  }

  public static Btf fix(ElfObject elf, Section section) {
    BtfFixer fixer = new BtfFixer(elf, section);
    fixer.relocate();
    // Parsed once before the fixing, which may then trust the offsets in it.
    fixer.fixTypes(fixer.parse());
    return fixer.parse();
  }

  private Btf parse() {
    return BtfParser.parse(ByteView.of(bytes.array(), section.data().name()));
  }

  private void relocate() {
    for (Relocation relocation : elf.relocations(section)) {
      if (relocation.type() != R_BPF_64_ABS32 && relocation.type() != R_BPF_64_NODYLD32) {
        throw new RefusedException(
            section.data().name()
                + " has a relocation of the unknown type "
                + relocation.type()
                + ".");
      }
      section.data().slice(relocation.offset(), 4, section.data().name());
      int at = (int) relocation.offset();
      bytes.putInt(at, bytes.getInt(at) + (int) relocation.symbol().value());
    }
  }

  private void fixTypes(Btf btf) {
    Set<String> hidden = new HashSet<>();
    for (Symbol symbol : elf.symbols()) {
      if (symbol.type() == ElfObject.SYMBOL_FUNCTION
          && symbol.visibility() == ElfObject.VISIBILITY_HIDDEN) {
        hidden.add(symbol.name());
      }
    }
    int at = bytes.getInt(4) + bytes.getInt(8);
    for (Btf.Type type : btf.types()) {
      if (type.kind() == Btf.Kind.VOID) {
        continue;
      }
      if (type.kind() == Btf.Kind.DATASEC) {
        fixDataSection(type, at);
      } else if (type.kind() == Btf.Kind.FUNC
          && type.elements() == GLOBAL_LINKAGE
          && hidden.contains(type.name())) {
        // The verifier checks a global function on its own, without its callers' knowledge; a
        // hidden one is as good as
        // static. The linkage lies where other kinds have their count.
        bytes.putInt(at + 4, bytes.getInt(at + 4) & ~0xffff);
      }
      at += TYPE_BYTES + tailBytes(type, at);
    }
  }

  private int tailBytes(Btf.Type type, int at) {
    return BtfParser.tailBytes(type.kind(), bytes.getShort(at + 4) & 0xffff);
  }

  private void fixDataSection(Btf.Type type, int at) {
    Section data =
        elf.section(type.name())
            .orElseThrow(() ->
                new RefusedException(
                    elf.name()
                        + " needs "
                        + type.name()
                        + " (kfuncs, or extern symbols of the kernel), which the loader does not support."));
    bytes.putInt(at + 8, (int) data.sizeBytes());
    int[] place = {at + TYPE_BYTES};
    type.members().stream()
        .sorted(Comparator.comparingLong(Btf.Member::offset))
        .forEach(variable -> {
          bytes.putInt(place[0], variable.typeId());
          bytes.putInt(place[0] + 4, (int) variable.offset());
          bytes.putInt(place[0] + 8, variable.size());
          place[0] += VARIABLE_BYTES;
        });
  }
}
