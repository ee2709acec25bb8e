// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static dev.culvert.kernel.object.ProgramLinker.MAPS_SECTION;

import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.object.Btf;
import dev.culvert.kernel.object.ElfObject;
import dev.culvert.kernel.object.ElfObject.Section;
import dev.culvert.kernel.object.ElfObject.Symbol;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads the maps that BTF defines in section .maps: variables of an anonymous struct, where {@code
 * __uint(name, n)} is a pointer to an array of n, and {@code __type(name, t)} a pointer to t.
 */
final class MapDefinitions {
  /** A map, and where its variable lies in section .maps. */
  record Definition(MapSpec spec, Types types, Place place, Optional<Inner> inner) {}

  /** BTF type ids; 0 where sizes alone are given. */
  record Types(int key, int value) {}

  /** In bytes, within section .maps. */
  record Place(long offset, long sizeBytes) {
    /** Whether a pointer at this offset of the section lies in it. */
    boolean holdsPointer(long at) {
      return at >= offset && at - offset <= sizeBytes - Long.BYTES;
    }
  }

  /**
   * What a map of maps holds.
   *
   * @param like the form of each
   * @param offset of the values in the definition's struct, in bytes
   * @param initial names of maps by their place, as the initialiser has them
   */
  record Inner(MapSpec like, long offset, SortedMap<Integer, String> initial) {}

  private static final int GLOBAL_LINKAGE = 1;
  private static final Place NOWHERE = new Place(0, 0);

  private final ElfObject elf;
  private final Btf btf;

  MapDefinitions(ElfObject elf, Btf btf) {
    this.elf = elf;
    this.btf = btf;
  }

  List<Definition> read() {
    if (elf.section("maps").isPresent()) {
      throw new RefusedException(
          elf.name() + " defines maps without BTF (section maps): define them in section .maps.");
    }
    List<Definition> result = new ArrayList<>();
    if (elf.section(MAPS_SECTION).isEmpty()) {
      return result;
    }
    Section section = elf.section(MAPS_SECTION).get();
    Btf.Type variables =
        btf.find(Btf.Kind.DATASEC, MAPS_SECTION)
            .orElseThrow(() ->
                new RefusedException(
                    elf.name() + " has maps, but no BTF for them: build it with clang -g."));
    for (Btf.Member member : variables.members()) {
      result.add(define(member, section));
    }
    new InitialMaps(elf, section, result).read();
    return result;
  }

  private Definition define(Btf.Member member, Section section) {
    Btf.Type variable = btf.type(member.typeId());
    String name = variable.name();
    if (variable.kind() != Btf.Kind.VAR || variable.elements() != GLOBAL_LINKAGE) {
      throw new RefusedException(
          elf.name() + ": the map " + name + " is static, which the loader does not support.");
    }
    Btf.Type struct = btf.resolve(variable.typeId());
    if (struct.kind() != Btf.Kind.STRUCT) {
      throw new RefusedException(elf.name() + ": the map " + name + " is not a struct.");
    }
    return builder(name, struct).build(new Place(offsetOf(name, section), member.size()));
  }

  private Builder builder(String name, Btf.Type struct) {
    Builder builder = new Builder(name);
    for (Btf.Member member : struct.members()) {
      builder.set(member);
    }
    return builder;
  }

  private long offsetOf(String map, Section section) {
    for (Symbol symbol : elf.symbols()) {
      if (symbol.section() == section.index()
          && symbol.type() == ElfObject.SYMBOL_OBJECT
          && symbol.name().equals(map)) {
        return symbol.value();
      }
    }
    throw new RefusedException(elf.name() + ": the map " + map + " has no symbol.");
  }

  /** One map, member by member. */
  private final class Builder {
    private final String name;
    private int type;
    private int keyBytes;
    private int valueBytes;
    private int maxEntries;
    private int flags;
    private int keyTypeId;
    private int valueTypeId;
    private Optional<Inner> inner = Optional.empty();

    Builder(String name) {
      this.name = name;
    }

    void set(Btf.Member member) {
      switch (member.name()) {
        case "type" -> type = number(member);
        case "max_entries" -> maxEntries = number(member);
        case "map_flags" -> flags = number(member);
        case "key_size" -> keyBytes = number(member);
        case "value_size" -> valueBytes = number(member);
        case "key" -> {
          keyTypeId = pointee(member);
          keyBytes = btf.sizeOf(keyTypeId);
        }
        case "value" -> {
          valueTypeId = pointee(member);
          valueBytes = btf.sizeOf(valueTypeId);
        }
        case "values" -> inner = Optional.of(inner(member));
        default ->
            throw new RefusedException(
                elf.name()
                    + ": the map "
                    + name
                    + " sets \""
                    + member.name()
                    + "\", which the loader does not support.");
      }
    }

    Definition build(Place place) {
      if (type == 0) {
        throw new RefusedException(elf.name() + ": the map " + name + " has no type.");
      }
      return new Definition(
          new MapSpec(name, type, new MapSpec.Sizes(keyBytes, valueBytes, maxEntries), flags),
          new Types(keyTypeId, valueTypeId),
          place,
          inner);
    }

    /** {@code __array(values, struct s)} is an array of pointers to s. A value is a descriptor. */
    private Inner inner(Btf.Member member) {
      Btf.Type array = btf.resolve(member.typeId());
      Btf.Type pointer = array.kind() == Btf.Kind.ARRAY ? btf.resolve(array.typeId()) : btf.type(0);
      Btf.Type struct = pointer.kind() == Btf.Kind.PTR ? btf.resolve(pointer.typeId()) : pointer;
      if (struct.kind() != Btf.Kind.STRUCT) {
        throw new RefusedException(
            elf.name() + ": the map " + name + " has values that are no maps.");
      }
      valueBytes = Integer.BYTES;
      MapSpec like = builder(name, struct).build(NOWHERE).spec();
      return new Inner(like, member.offset() / Byte.SIZE, new TreeMap<>());
    }

    private int number(Btf.Member member) {
      Btf.Type array = btf.type(pointee(member));
      if (array.kind() != Btf.Kind.ARRAY) {
        throw damaged(member);
      }
      return array.elements();
    }

    private int pointee(Btf.Member member) {
      Btf.Type pointer = btf.resolve(member.typeId());
      if (pointer.kind() != Btf.Kind.PTR) {
        throw damaged(member);
      }
      return pointer.typeId();
    }

    private RefusedException damaged(Btf.Member member) {
      return new RefusedException(
          elf.name()
              + ": \""
              + member.name()
              + "\" of the map "
              + name
              + " is not written with __uint or __type.");
    }
  }
}
