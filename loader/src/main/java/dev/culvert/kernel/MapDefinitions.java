// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import dev.culvert.kernel.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.ElfObject.Section;
import dev.culvert.kernel.ElfObject.Symbol;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads the maps that BTF defines in section .maps: variables of an anonymous struct, where {@code
 * __uint(name, n)} is a pointer to an array of n, and {@code __type(name, t)} a pointer to t.
 */
final class MapDefinitions {
  static final String SECTION = ".maps";

  /**
   * A map with its BTF types, and where its variable lies in section .maps.
   *
   * @param inner for a map of maps, what its values are like
   */
  record Definition(
      MapSpec spec, int keyTypeId, int valueTypeId, long offset, Optional<MapSpec> inner) {}

  private static final int GLOBAL_LINKAGE = 1;

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
    if (elf.section(SECTION).isEmpty()) {
      return result;
    }
    Section section = elf.section(SECTION).get();
    Btf.Type variables =
        btf.find(Btf.Kind.DATASEC, SECTION)
            .orElseThrow(() ->
                new RefusedException(
                    elf.name() + " has maps, but no BTF for them: build it with clang -g."));
    for (Btf.Member member : variables.members()) {
      result.add(define(btf.type(member.typeId()), section));
    }
    return result;
  }

  private Definition define(Btf.Type variable, Section section) {
    String name = variable.name();
    if (variable.kind() != Btf.Kind.VAR || variable.elements() != GLOBAL_LINKAGE) {
      throw new RefusedException(
          elf.name() + ": the map " + name + " is static, which the loader does not support.");
    }
    Btf.Type struct = btf.resolve(variable.typeId());
    if (struct.kind() != Btf.Kind.STRUCT) {
      throw new RefusedException(elf.name() + ": the map " + name + " is not a struct.");
    }
    return builder(name, struct).build(offsetOf(name, section));
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
    private Optional<MapSpec> inner = Optional.empty();

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

    Definition build(long offset) {
      if (type == 0) {
        throw new RefusedException(elf.name() + ": the map " + name + " has no type.");
      }
      return new Definition(
          new MapSpec(name, type, keyBytes, valueBytes, maxEntries, flags),
          keyTypeId,
          valueTypeId,
          offset,
          inner);
    }

    /** {@code __array(values, struct s)} is an array of pointers to s. A value is a descriptor. */
    private MapSpec inner(Btf.Member member) {
      Btf.Type array = btf.resolve(member.typeId());
      Btf.Type pointer = array.kind() == Btf.Kind.ARRAY ? btf.resolve(array.typeId()) : btf.type(0);
      Btf.Type struct = pointer.kind() == Btf.Kind.PTR ? btf.resolve(pointer.typeId()) : pointer;
      if (struct.kind() != Btf.Kind.STRUCT) {
        throw new RefusedException(
            elf.name() + ": the map " + name + " has values that are no maps.");
      }
      valueBytes = Integer.BYTES;
      return builder(name, struct).build(0).spec();
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
