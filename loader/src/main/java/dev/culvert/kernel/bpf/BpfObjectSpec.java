// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.PossibleCpus;
import dev.culvert.kernel.object.Btf;
import dev.culvert.kernel.object.ProgramLinker;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What an object file says, before the kernel sees it: maps, programs, global data, BTF. Immutable
 * and pure.
 */
public final class BpfObjectSpec {
  /**
   * A map as its BTF definition in section .maps gives it.
   *
   * @param name of its variable in C
   * @param type as in linux/bpf.h
   * @param sizes of its entries, and how many it takes
   * @param flags as in linux/bpf.h
   */
  public record MapSpec(String name, int type, Sizes sizes, int flags) {
    /** Checks that all is there. */
    public MapSpec {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(sizes, "sizes");
    }

    private static final int PERF_EVENT_ARRAY = 4;

    /**
     * How large a map is.
     *
     * @param keyBytes of one key; 0 where the type has no keys, such as a ring buffer
     * @param valueBytes of one value, on one CPU
     * @param maxEntries how many it takes; of a ring buffer, its bytes
     */
    public record Sizes(int keyBytes, int valueBytes, int maxEntries) {}

    /** {@return the bytes of one key} */
    public int keyBytes() {
      return sizes.keyBytes();
    }

    /** {@return the bytes of one value, on one CPU} */
    public int valueBytes() {
      return sizes.valueBytes();
    }

    /** {@return how many entries it takes; of a ring buffer, its bytes} */
    public int maxEntries() {
      return sizes.maxEntries();
    }

    /** The same with room for another number of entries. */
    MapSpec withMaxEntries(int other) {
      return new MapSpec(name, type, new Sizes(keyBytes(), valueBytes(), other), flags);
    }

    /** Whether a map of this spec could stand in for one of the other; names do not matter. */
    boolean isLike(MapSpec other) {
      return type == other.type && sizes.equals(other.sizes) && flags == other.flags;
    }

    /** With what may be left out, as libbpf does: a perf event array has a place for each CPU. */
    MapSpec complete() {
      return type == PERF_EVENT_ARRAY && maxEntries() == 0
          ? withMaxEntries(PossibleCpus.count())
          : this;
    }
  }

  /**
   * A program as the object file has it.
   *
   * @param name of its function in C
   * @param section such as {@code tc/ingress}, which says of what type it is
   * @param instructionCount of 8 bytes each, before what it calls is linked to it
   */
  public record ProgramSpec(String name, String section, int instructionCount) {
    /** Checks that all is there. */
    public ProgramSpec {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(section, "section");
    }
  }

  /** Where a global variable lies in its section, in bytes. */
  record Variable(int offset, int sizeBytes) {}

  /** A section of global data: an array map with one entry. The spec's name is the kernel's. */
  @SuppressWarnings("ArrayRecordComponent") // Internal; never compared, never changed once made.
  record DataMap(
      String section,
      MapSpec spec,
      int btfTypeId,
      boolean readOnly,
      byte[] image,
      Map<String, Variable> variables) {
    DataMap withImage(byte[] other) {
      return new DataMap(section, spec, btfTypeId, readOnly, other, variables);
    }
  }

  /** A program, linked with all that it calls. */
  record Program(ProgramSpec spec, ProgramKind kind, ProgramLinker.Linked linked) {}

  /** What an object holds. */
  record Contents(
      List<MapDefinitions.Definition> maps, List<DataMap> data, List<Program> programs) {}

  private final String name;
  private final List<MapDefinitions.Definition> maps;
  private final List<DataMap> data;
  private final List<Program> programs;
  private final Btf btf;
  private final String license;

  BpfObjectSpec(String name, Contents contents, Btf btf, String license) {
    this.name = name;
    this.maps = Collections.unmodifiableList(contents.maps());
    this.data = Collections.unmodifiableList(contents.data());
    this.programs = Collections.unmodifiableList(contents.programs());
    this.btf = btf;
    this.license = license;
  }

  /**
   * Reads a little-endian 64-bit BPF object.
   *
   * @param elf the whole file; copied where it must be kept
   * @param name used in errors, and up to its first dot in the kernel's names of global data
   * @return what can be loaded any number of times
   * @throws RefusedException in one clear sentence: not ELF, truncated, another machine, without
   *     BTF, or with a relocation that the loader does not support (CO-RE, kfuncs, static maps)
   */
  public static BpfObjectSpec parse(byte[] elf, String name) {
    Objects.requireNonNull(elf, "elf");
    Objects.requireNonNull(name, "name");
    return ObjectReader.read(elf, name);
  }

  /** {@return the name it was read under} */
  public String name() {
    return name;
  }

  /** {@return the maps of section .maps; global data is not among them} */
  public List<MapSpec> maps() {
    return maps.stream().map(MapDefinitions.Definition::spec).toList();
  }

  /** {@return all programs, in the order of their sections} */
  public List<ProgramSpec> programs() {
    return programs.stream().map(Program::spec).toList();
  }

  /**
   * {@return its types, with the sizes and offsets of global data filled in, as the kernel takes
   * it}
   */
  @SuppressWarnings("exports") // For comparing layouts, which only this project does.
  public Btf btf() {
    return btf;
  }

  /** {@return such as {@code Dual BSD/GPL}; empty when the object names none} */
  public String license() {
    return license;
  }

  List<MapDefinitions.Definition> mapDefinitions() {
    return maps;
  }

  List<DataMap> dataMaps() {
    return data;
  }

  List<Program> linkedPrograms() {
    return programs;
  }

  /**
   * The initial value of a global integer of 1, 2, 4 or 8 bytes.
   *
   * @param variable its name in C
   * @return unsigned up to 4 bytes
   * @throws IllegalArgumentException when there is none of that name or it is no such integer
   */
  public long global(String variable) {
    Objects.requireNonNull(variable, "variable");
    DataMap map = data.get(dataMapOf(variable));
    Variable place = integer(variable, map);
    long value = 0;
    for (int i = place.sizeBytes() - 1; i >= 0; i--) {
      value = value << 8 | (map.image()[place.offset() + i] & 0xff);
    }
    return value;
  }

  /**
   * This object with another initial value for a global {@code const volatile} integer of 1, 2, 4
   * or 8 bytes.
   *
   * @param variable its name in C
   * @param value signed or unsigned, as long as it fits
   * @return another spec; this one is left as it is
   * @throws IllegalArgumentException when there is none of that name, or the value does not fit it
   */
  public BpfObjectSpec withGlobal(String variable, long value) {
    Objects.requireNonNull(variable, "variable");
    int index = dataMapOf(variable);
    DataMap map = data.get(index);
    Variable place = integer(variable, map);
    int bits = 8 * place.sizeBytes();
    boolean fits = bits == 64 || value >>> bits == 0 || value >> (bits - 1) == -1;
    if (!fits) {
      throw new IllegalArgumentException(
          name
              + ": "
              + value
              + " does not fit the "
              + place.sizeBytes()
              + " bytes of "
              + variable
              + ".");
    }
    byte[] image = map.image().clone();
    for (int i = 0; i < place.sizeBytes(); i++) {
      image[place.offset() + i] = (byte) (value >>> (8 * i));
    }
    List<DataMap> changed = new ArrayList<>(data);
    changed.set(index, map.withImage(image));
    return new BpfObjectSpec(name, new Contents(maps, changed, programs), btf, license);
  }

  /**
   * This object with another size for a map.
   *
   * @param map its name in C
   * @param maxEntries 1 or more
   * @return another spec; this one is left as it is
   * @throws IllegalArgumentException when there is no such map
   */
  public BpfObjectSpec withMaxEntries(String map, int maxEntries) {
    Objects.requireNonNull(map, "map");
    List<MapDefinitions.Definition> changed = new ArrayList<>(maps);
    for (int i = 0; i < changed.size(); i++) {
      MapDefinitions.Definition old = changed.get(i);
      MapSpec spec = old.spec();
      if (spec.name().equals(map)) {
        changed.set(
            i,
            new MapDefinitions.Definition(
                spec.withMaxEntries(maxEntries), old.types(), old.place(), old.inner()));
        return new BpfObjectSpec(name, new Contents(changed, data, programs), btf, license);
      }
    }
    throw new IllegalArgumentException(
        name
            + " has no map "
            + map
            + ", only "
            + maps().stream().map(MapSpec::name).toList()
            + ".");
  }

  private int dataMapOf(String variable) {
    for (int i = 0; i < data.size(); i++) {
      if (data.get(i).variables().containsKey(variable)) {
        return i;
      }
    }
    throw new IllegalArgumentException(
        name
            + " has no global variable "
            + variable
            + ", only "
            + data.stream().flatMap(d -> d.variables().keySet().stream()).sorted().toList()
            + ".");
  }

  private Variable integer(String variable, DataMap map) {
    Variable place = map.variables().get(variable);
    return switch (place.sizeBytes()) {
      case 1, 2, 4, 8 -> place;
      default ->
          throw new IllegalArgumentException(
              name
                  + ": the global variable "
                  + variable
                  + " has "
                  + place.sizeBytes()
                  + " bytes and is no integer.");
    };
  }
}
