// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfObjectSpec.DataMap;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.Program;
import dev.culvert.kernel.bpf.BpfObjectSpec.ProgramSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.Variable;
import dev.culvert.kernel.object.Btf;
import dev.culvert.kernel.object.Btf.Kind;
import dev.culvert.kernel.object.BtfExtension;
import dev.culvert.kernel.object.BtfFixer;
import dev.culvert.kernel.object.ByteView;
import dev.culvert.kernel.object.ElfObject;
import dev.culvert.kernel.object.ElfObject.Section;
import dev.culvert.kernel.object.ElfObject.Symbol;
import dev.culvert.kernel.object.ProgramLinker;
import dev.culvert.kernel.object.ProgramLinker.Function;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Turns an object file into a {@link BpfObjectSpec}. */
final class ObjectReader {
  private static final int MAP_TYPE_ARRAY = 2;
  private static final int FLAG_READ_ONLY_FOR_PROGRAMS = 1 << 7;
  private static final int NAME_BYTES = 15; // BPF_OBJ_NAME_LEN without the closing zero
  private static final int LONGEST_SUFFIX = 7; // ".rodata"
  private static final int MAX_DATA_BYTES = 64 << 20;

  private final ElfObject elf;
  private final Btf btf;
  private final BtfExtension debug;

  private ObjectReader(ElfObject elf) {
    this.elf = elf;
    Section types =
        elf.section(".BTF")
            .orElseThrow(() ->
                new RefusedException(
                    elf.name() + " has no BTF: build it with clang -g and do not strip all."));
    this.btf = BtfFixer.fix(elf, types);
    this.debug =
        elf.section(".BTF.ext")
            .map(s -> BtfExtension.parse(s.data(), namesOf(types.data()), btf))
            .orElse(BtfExtension.EMPTY);
  }

  static BpfObjectSpec read(byte[] file, String name) {
    return new ObjectReader(ElfObject.parse(file, name)).read();
  }

  private BpfObjectSpec read() {
    List<MapDefinitions.Definition> maps = new MapDefinitions(elf, btf).read();
    Map<Long, String> mapsByOffset = new HashMap<>();
    maps.forEach(m -> mapsByOffset.put(m.place().offset(), m.spec().name()));
    Map<Integer, String> dataBySection = new HashMap<>();
    List<DataMap> data = readData(dataBySection);
    List<Function> functions = readFunctions();
    ProgramLinker linker =
        new ProgramLinker(
            elf, functions, new ProgramLinker.Data(mapsByOffset, dataBySection), debug);
    List<Program> programs = new ArrayList<>();
    for (Function function : functions) {
      if (!function.section().name().equals(".text")) {
        programs.add(program(function, linker));
      }
    }
    if (programs.isEmpty()) {
      throw new RefusedException(elf.name() + " holds no program.");
    }
    return new BpfObjectSpec(
        elf.name(), new BpfObjectSpec.Contents(maps, data, programs), btf, license());
  }

  private Program program(Function function, ProgramLinker linker) {
    String section = function.section().name();
    ProgramKind kind =
        ProgramKind.ofSection(section)
            .orElseThrow(() ->
                new RefusedException(
                    elf.name()
                        + ": the program "
                        + function.name()
                        + " is in section "
                        + section
                        + ", whose programs the loader does not know (it knows "
                        + ProgramKind.known()
                        + ")."));
    ProgramSpec spec = new ProgramSpec(function.name(), section, function.instructionCount());
    return new Program(spec, kind, linker.link(function));
  }

  private List<DataMap> readData(Map<Integer, String> dataBySection) {
    List<DataMap> result = new ArrayList<>();
    for (Section section : elf.sections()) {
      String name = section.name();
      boolean readOnly = isOrBelow(name, ".rodata");
      boolean global = readOnly || isOrBelow(name, ".data") || isOrBelow(name, ".bss");
      if (!global || section.sizeBytes() == 0) {
        continue;
      }
      if (section.sizeBytes() < 0 || section.sizeBytes() > MAX_DATA_BYTES) {
        throw new RefusedException(
            elf.name() + ": section " + name + " is larger than the loader takes (64 MiB).");
      }
      if (!elf.relocations(section).isEmpty()) {
        throw new RefusedException(
            elf.name()
                + ": section "
                + name
                + " holds pointers, which the loader does not support.");
      }
      byte[] image =
          section.type() == ElfObject.TYPE_NOBITS
              ? new byte[(int) section.sizeBytes()]
              : section.data().copy();
      MapSpec spec =
          new MapSpec(
              dataMapName(elf.name(), name),
              MAP_TYPE_ARRAY,
              new MapSpec.Sizes(4, image.length, 1),
              readOnly ? FLAG_READ_ONLY_FOR_PROGRAMS : 0);
      int typeId = btf.find(Kind.DATASEC, name).map(Btf.Type::id).orElse(0);
      result.add(new DataMap(name, spec, typeId, readOnly, image, variables(section)));
      dataBySection.put(section.index(), name);
    }
    return result;
  }

  private static boolean isOrBelow(String name, String section) {
    return name.equals(section) || name.startsWith(section + ".");
  }

  /**
   * The name that libbpf gives: the first characters of the object's name, then the section, within
   * the 15 that the kernel takes.
   */
  static String dataMapName(String object, String section) {
    String file = object.substring(object.lastIndexOf('/') + 1);
    int dot = file.indexOf('.');
    String prefix = dot >= 0 ? file.substring(0, dot) : file;
    int suffixLength = Math.max(LONGEST_SUFFIX, section.length());
    int prefixLength =
        section.indexOf('.', 1) >= 0
            ? 0
            : Math.min(Math.max(0, NAME_BYTES - suffixLength), prefix.length());
    String whole = prefix.substring(0, prefixLength) + section;
    String fitting = whole.substring(0, Math.min(NAME_BYTES, whole.length()));
    return fitting.replaceAll("[^A-Za-z0-9_.]", "_");
  }

  private Map<String, Variable> variables(Section section) {
    Map<String, Variable> result = new LinkedHashMap<>();
    for (Symbol symbol : elf.symbols()) {
      if (symbol.section() == section.index() && symbol.type() == ElfObject.SYMBOL_OBJECT) {
        boolean inside =
            symbol.value() >= 0
                && symbol.sizeBytes() >= 0
                && symbol.value() <= section.sizeBytes() - symbol.sizeBytes();
        if (!inside) {
          throw new RefusedException(
              elf.name()
                  + " is damaged: "
                  + symbol.name()
                  + " lies outside "
                  + section.name()
                  + ".");
        }
        result.put(symbol.name(), new Variable((int) symbol.value(), (int) symbol.sizeBytes()));
      }
    }
    return result;
  }

  private List<Function> readFunctions() {
    List<Function> result = new ArrayList<>();
    for (Section section : elf.sections()) {
      if (section.type() != ElfObject.TYPE_PROGBITS
          || !section.has(ElfObject.FLAG_EXECUTE)
          || section.data().length() == 0) {
        continue;
      }
      List<Function> here = new ArrayList<>();
      for (Symbol symbol : elf.symbols()) {
        if (symbol.section() == section.index() && symbol.type() == ElfObject.SYMBOL_FUNCTION) {
          here.add(function(symbol, section));
        }
      }
      if (here.isEmpty()) {
        throw new RefusedException(
            elf.name() + ": section " + section.name() + " has code, but no function.");
      }
      here.sort(Comparator.comparingInt(Function::offset));
      result.addAll(here);
    }
    return result;
  }

  private Function function(Symbol symbol, Section section) {
    long size = symbol.sizeBytes();
    boolean whole =
        size > 0
            && size % ProgramLinker.INSTRUCTION_BYTES == 0
            && symbol.value() % ProgramLinker.INSTRUCTION_BYTES == 0
            && symbol.value() >= 0
            && symbol.value() <= section.data().length() - size;
    if (!whole) {
      throw new RefusedException(
          elf.name()
              + " is damaged: the function "
              + symbol.name()
              + " does not fit its section "
              + section.name()
              + ".");
    }
    if (symbol.binding() == ElfObject.BIND_LOCAL && !section.name().equals(".text")) {
      throw new RefusedException(
          elf.name()
              + ": the program "
              + symbol.name()
              + " is static; programs are global functions.");
    }
    return new Function(symbol.name(), section, (int) symbol.value(), (int) size);
  }

  private String license() {
    return elf.section("license")
        .map(s -> s.data().length() == 0 ? "" : s.data().cString(0))
        .orElse("");
  }

  private static ByteView namesOf(ByteView types) {
    return types.slice(types.u32(4) + types.u32(16), types.u32(20), types.name() + ", names");
  }
}
