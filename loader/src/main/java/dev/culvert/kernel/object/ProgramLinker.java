// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.object.ElfObject.Relocation;
import dev.culvert.kernel.object.ElfObject.Section;
import dev.culvert.kernel.object.ElfObject.Symbol;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts a program and the functions that it calls into one row of instructions, as the kernel wants
 * them. The order is libbpf's: each function goes to the end when a call to it is first met, its
 * own calls before the caller's later ones; so program tags are the same as bpftool's.
 */
public final class ProgramLinker {
  /** Where libbpf's convention has the maps. */
  public static final String MAPS_SECTION = ".maps";

  public static final int INSTRUCTION_BYTES = 8;

  /**
   * The maps that instructions may name.
   *
   * @param mapsByOffset those of section .maps, by where their definition lies in it
   * @param mapsBySection those of global data, by the number of the data's section
   */
  public record Data(Map<Long, String> mapsByOffset, Map<Integer, String> mapsBySection) {}

  /** A function as the object file has it: offset and size in bytes within its section. */
  public record Function(String name, Section section, int offset, int sizeBytes) {
    public int instructionCount() {
      return sizeBytes / INSTRUCTION_BYTES;
    }
  }

  /** The instruction at {@code index} loads a map's address: its descriptor belongs there. */
  public record MapReference(int index, String map) {}

  /** Function or line records for BPF_PROG_LOAD. */
  @SuppressWarnings("ArrayRecordComponent") // Internal; never compared, never changed once made.
  public record DebugRecords(int recordBytes, int count, byte[] bytes) {
    public static final DebugRecords NONE = new DebugRecords(0, 0, new byte[0]);
  }

  /** Ready but for the map descriptors. */
  @SuppressWarnings("ArrayRecordComponent") // Internal; never compared, never changed once made.
  public record Linked(
      byte[] instructions, List<MapReference> maps, DebugRecords functions, DebugRecords lines) {}

  private static final int R_BPF_64_64 = 1;
  private static final int R_BPF_64_32 = 10;
  private static final int LOAD_IMM64 = 0x18;
  private static final int CALL = 0x85;
  private static final int PSEUDO_MAP_FD = 1;
  private static final int PSEUDO_MAP_VALUE = 2;
  private static final int PSEUDO_CALL = 1;
  private static final int PSEUDO_FUNCTION = 4;
  private static final int MAX_FUNCTIONS = 256;
  // The kernel's own limit for one program is 1 million instructions; this one keeps damaged files
  // from eating memory.
  private static final int MAX_BYTES = 1_000_000 * INSTRUCTION_BYTES;

  private final String object;
  private final ElfObject elf;
  private final List<Function> functions;
  private final Map<Long, String> mapsByOffset;
  private final Map<Integer, String> dataBySection;
  private final BtfExtension debug;
  private final Map<Integer, Map<Long, Relocation>> relocations = new HashMap<>();

  /** */
  public ProgramLinker(ElfObject elf, List<Function> functions, Data data, BtfExtension debug) {
    this.object = elf.name();
    this.elf = elf;
    this.functions = functions;
    this.mapsByOffset = data.mapsByOffset();
    this.dataBySection = data.mapsBySection();
    this.debug = debug;
  }

  public Linked link(Function main) {
    return new OneProgram(main).link();
  }

  /** The work on one program; positions in it count instructions. */
  private final class OneProgram {
    private final Function main;
    private final Map<Function, Integer> positions = new LinkedHashMap<>();
    private final List<MapReference> maps = new ArrayList<>();
    private ByteBuffer code = ByteBuffer.allocate(0);

    OneProgram(Function main) {
      this.main = main;
    }

    Linked link() {
      append(main);
      DebugRecords functionRecords = records(debug.functions(), 1);
      // The kernel takes lines only together with functions.
      DebugRecords lineRecords =
          functionRecords.count() == 0
              ? DebugRecords.NONE
              : records(debug.lines(), Integer.MAX_VALUE);
      return new Linked(code.array(), List.copyOf(maps), functionRecords, lineRecords);
    }

    private void append(Function function) {
      int position = code.capacity() / INSTRUCTION_BYTES;
      if (positions.size() == MAX_FUNCTIONS || code.capacity() + function.sizeBytes() > MAX_BYTES) {
        throw new RefusedException(
            object + ": the program " + main.name() + " is larger than the kernel takes.");
      }
      positions.put(function, position);
      ByteBuffer grown =
          ByteBuffer.allocate(code.capacity() + function.sizeBytes())
              .order(ByteOrder.LITTLE_ENDIAN);
      grown.put(code.array());
      grown.put(
          function.section().data().slice(function.offset(), function.sizeBytes(), object).copy());
      code = grown;
      for (int i = 0; i < function.instructionCount(); i++) {
        if (instruction(function, i, position + i)) {
          i++;
        }
      }
    }

    /** Returns whether the instruction takes two places. */
    private boolean instruction(Function function, int index, int position) {
      int at = position * INSTRUCTION_BYTES;
      int opcode = code.get(at) & 0xff;
      int source = code.get(at + 1) >>> 4 & 0xf;
      long offset = function.offset() + (long) index * INSTRUCTION_BYTES;
      Relocation relocation = relocationsOf(function.section()).get(offset);
      if (opcode == LOAD_IMM64) {
        if (index + 1 == function.instructionCount()) {
          throw new RefusedException(
              object
                  + " is damaged: the function "
                  + function.name()
                  + " ends within an instruction.");
        }
        if (relocation != null) {
          load(function, relocation, position);
        }
        return true;
      }
      if (opcode == CALL && source == PSEUDO_CALL) {
        call(function, relocation, index, position);
      } else if (relocation != null) {
        throw unsupported(function, relocation);
      }
      return false;
    }

    private void call(Function function, Relocation relocation, int index, int position) {
      int at = position * INSTRUCTION_BYTES;
      // The distance in the file, not in what we write: this instruction has not been changed yet.
      long immediate = code.getInt(at + 4);
      Section section = function.section();
      long target;
      if (relocation == null) {
        target = function.offset() / INSTRUCTION_BYTES + index + immediate + 1;
      } else {
        checkDefined(function, relocation);
        section = elf.section(relocation.symbol().section());
        target = relocation.symbol().value() / INSTRUCTION_BYTES + immediate + 1;
      }
      // First the position: finding it may move the code to a larger buffer.
      int found = positionOf(function, section, target * INSTRUCTION_BYTES);
      code.putInt(at + 4, found - position - 1);
    }

    private void load(Function function, Relocation relocation, int position) {
      checkDefined(function, relocation);
      Symbol symbol = relocation.symbol();
      Section section = elf.section(symbol.section());
      int at = position * INSTRUCTION_BYTES;
      int addend = code.getInt(at + 4);
      String data = dataBySection.get(section.index());
      if (section.name().equals(MAPS_SECTION)) {
        String map = mapsByOffset.get(symbol.value());
        if (symbol.type() == ElfObject.SYMBOL_SECTION || map == null || addend != 0) {
          throw new RefusedException(
              object
                  + ": the function "
                  + function.name()
                  + " uses a static map, which the loader does not support.");
        }
        mapReference(position, PSEUDO_MAP_FD, map);
      } else if (data != null) {
        mapReference(position, PSEUDO_MAP_VALUE, data);
        code.putInt(at + INSTRUCTION_BYTES + 4, (int) symbol.value() + addend);
      } else if (section.has(ElfObject.FLAG_EXECUTE)) {
        int target = positionOf(function, section, symbol.value() + addend);
        setSource(at, PSEUDO_FUNCTION);
        code.putInt(at + 4, target - position - 1);
      } else {
        throw unsupported(function, relocation);
      }
    }

    private void mapReference(int position, int source, String map) {
      int at = position * INSTRUCTION_BYTES;
      setSource(at, source);
      code.putInt(at + 4, 0);
      code.putInt(at + INSTRUCTION_BYTES + 4, 0);
      maps.add(new MapReference(position, map));
    }

    private void setSource(int at, int source) {
      code.put(at + 1, (byte) ((code.get(at + 1) & 0xf) | (source << 4)));
    }

    private int positionOf(Function caller, Section section, long offset) {
      for (Function function : functions) {
        if (function.section().index() == section.index() && function.offset() == offset) {
          if (!section.name().equals(".text") && !function.equals(main)) {
            throw new RefusedException(
                object
                    + ": "
                    + caller.name()
                    + " calls the program "
                    + function.name()
                    + "; only functions in section .text can be called.");
          }
          if (!positions.containsKey(function)) {
            append(function);
          }
          return positions.get(function);
        }
      }
      throw new RefusedException(
          object
              + " is damaged: "
              + caller.name()
              + " calls something in section "
              + section.name()
              + " where no function begins.");
    }

    private DebugRecords records(BtfExtension.Table table, int mostByFunction) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      int count = 0;
      for (Map.Entry<Function, Integer> entry : positions.entrySet()) {
        Function function = entry.getKey();
        List<ByteView> found =
            table.within(
                function.section().name(),
                function.offset(),
                (long) function.offset() + function.sizeBytes());
        // The kernel wants a record at the first instruction of every function, or none at all.
        if (found.isEmpty()
            || found.get(0).u32(0) != function.offset()
            || found.size() > mostByFunction) {
          return DebugRecords.NONE;
        }
        for (ByteView entryView : found) {
          byte[] bytes = entryView.copy();
          ByteBuffer record = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
          record.putInt(
              0, (record.getInt(0) - function.offset()) / INSTRUCTION_BYTES + entry.getValue());
          out.writeBytes(bytes);
          count++;
        }
      }
      return new DebugRecords(table.recordBytes(), count, out.toByteArray());
    }
  }

  private Map<Long, Relocation> relocationsOf(Section section) {
    return relocations.computeIfAbsent(
        section.index(),
        i -> {
          Map<Long, Relocation> byOffset = new HashMap<>();
          for (Relocation relocation : elf.relocations(section)) {
            if (relocation.type() != R_BPF_64_64 && relocation.type() != R_BPF_64_32) {
              throw new RefusedException(
                  object
                      + ": section "
                      + section.name()
                      + " has a relocation of type "
                      + relocation.type()
                      + " against "
                      + relocation.symbol().name()
                      + ", which the loader does not support.");
            }
            byOffset.put(relocation.offset(), relocation);
          }
          return byOffset;
        });
  }

  private void checkDefined(Function function, Relocation relocation) {
    Symbol symbol = relocation.symbol();
    if (symbol.section() == ElfObject.SECTION_UNDEFINED) {
      throw new RefusedException(
          object
              + ": the function "
              + function.name()
              + " needs "
              + symbol.name()
              + ", which is not in the file: the loader supports neither extern symbols nor kfuncs.");
    }
  }

  private RefusedException unsupported(Function function, Relocation relocation) {
    checkDefined(function, relocation);
    return new RefusedException(
        object
            + ": the function "
            + function.name()
            + " refers to "
            + relocation.symbol().name()
            + " in a way that the loader does not support.");
  }
}
