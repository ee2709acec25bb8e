// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * BPF Type Format, as found in section .BTF (source: Documentation/bpf/btf.rst). Pure and
 * immutable.
 */
public final class Btf {
  /** The kinds, each at its number. */
  public enum Kind {
    /** No type: what a pointer to void points to. */
    VOID,

    /** An integer, a char or a bool. */
    INT,

    /** A pointer. */
    PTR,

    /** An array. */
    ARRAY,

    /** A struct. */
    STRUCT,

    /** A union. */
    UNION,

    /** An enum of up to 32 bits. */
    ENUM,

    /** A struct or union that is only declared. */
    FWD,

    /** Another name for a type. */
    TYPEDEF,

    /** A type that is volatile. */
    VOLATILE,

    /** A type that is const. */
    CONST,

    /** A pointer that is restrict. */
    RESTRICT,

    /** A function. */
    FUNC,

    /** The parameters and the result of a function. */
    FUNC_PROTO,

    /** A global variable. */
    VAR,

    /** A section of global variables. */
    DATASEC,

    /** A floating point number. */
    FLOAT,

    /** A tag of a declaration. */
    DECL_TAG,

    /** A tag of a type. */
    TYPE_TAG,

    /** An enum of 64 bits. */
    ENUM64
  }

  /**
   * One type.
   *
   * @param id its place in {@link #types()}, by which others name it
   * @param kind which also says what the rest means
   * @param name empty for an anonymous one
   * @param sizeBytes of INT, STRUCT, UNION, ENUM, ENUM64, DATASEC and FLOAT; 0 for others
   * @param typeId what it points to, is another name for, returns or holds elements of; 0 is void
   * @param elements of an ARRAY; the linkage of a FUNC or VAR; 0 for others
   * @param members of STRUCT and UNION (offset in bits), parameters of FUNC_PROTO, variables of
   *     DATASEC (offset in bytes), enumerators of ENUM and ENUM64
   */
  public record Type(
      int id,
      Kind kind,
      String name,
      int sizeBytes,
      int typeId,
      int elements,
      List<Member> members) {
    /** Number 0, which no section lists. */
    static final Type VOID = new Type(0, Kind.VOID, "void", 0, 0, 0, List.of());
  }

  /**
   * A member of a type.
   *
   * @param name empty for an anonymous struct or union within another
   * @param typeId its type; 0 for enumerators
   * @param offset in bits for STRUCT and UNION, in bytes for DATASEC, else 0
   * @param size in bits for a bit field (0 for others), in bytes for DATASEC
   * @param value of an enumerator, else 0
   */
  public record Member(String name, int typeId, long offset, int size, long value) {}

  /**
   * A struct with sizes and offsets in bytes.
   *
   * @param name in C, without {@code struct}
   * @param sizeBytes with what C pads it with at its end
   * @param fields in the order of the source
   */
  public record Struct(String name, int sizeBytes, List<Field> fields) {}

  /**
   * A field of a struct.
   *
   * @param name in C
   * @param offsetBytes from the beginning of the struct
   * @param sizeBytes of the whole field, also of an array
   * @param typeName the name that C gives the type ({@code __be32}, {@code unsigned int}); for an
   *     array that of its element with the count, such as {@code __u8[16]}
   * @param bigEndian whether the type, or the element of an array, is one of {@code __be16}, {@code
   *     __be32}, {@code __be64}
   * @param elementBytes size of an array's element; the field's own size for others
   */
  public record Field(
      String name,
      int offsetBytes,
      int sizeBytes,
      String typeName,
      boolean bigEndian,
      int elementBytes) {}

  private static final int MAX_DEPTH = 64;

  private final String name;
  private final List<Type> types;
  private final byte[] bytes;

  Btf(String name, List<Type> types, byte[] bytes) {
    this.name = name;
    this.types = Collections.unmodifiableList(types);
    this.bytes = bytes;
  }

  /**
   * Reads the content of a .BTF section.
   *
   * @param section little-endian; copied
   * @param name used in errors
   * @return its types, each of which was read
   * @throws RefusedException in one sentence that says what is wrong with it
   */
  public static Btf parse(byte[] section, String name) {
    return BtfParser.parse(ByteView.of(section.clone(), name));
  }

  /** {@return the section, byte for byte; the caller's own} */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /** {@return all types by id; the first is void} */
  public List<Type> types() {
    return types;
  }

  /**
   * {@return one type by its id}
   *
   * @param id 0 for void
   * @throws RefusedException when there is none: what names it is damaged
   */
  public Type type(int id) {
    if (id < 0 || id >= types.size()) {
      throw new RefusedException(
          name + " is damaged: it names type " + id + " of " + types.size() + ".");
    }
    return types.get(id);
  }

  /**
   * {@return the first type of that kind and name; empty where there is none}
   *
   * @param kind one of two types of the same name
   * @param wanted its name in C, without {@code struct} and the like
   */
  public Optional<Type> find(Kind kind, String wanted) {
    return types.stream().filter(t -> t.kind() == kind && t.name().equals(wanted)).findFirst();
  }

  /**
   * {@return a struct by its C name}
   *
   * @param wanted without {@code struct}
   * @throws IllegalArgumentException when there is none
   * @throws RefusedException when it has a bit field, or names a type that is not there
   */
  public Struct struct(String wanted) {
    Type type =
        find(Kind.STRUCT, wanted)
            .orElseThrow(
                () -> new IllegalArgumentException(name + " has no struct " + wanted + "."));
    List<Field> fields = new ArrayList<>();
    for (Member member : type.members()) {
      if (member.size() != 0 || member.offset() % 8 != 0) {
        throw new RefusedException(
            name
                + ": struct "
                + wanted
                + " has the bit field "
                + member.name()
                + ", which has no place in bytes.");
      }
      Type target = withoutQualifiers(member.typeId());
      Type element = target.kind() == Kind.ARRAY ? withoutQualifiers(target.typeId()) : target;
      String typeName = nameOf(element.id());
      fields.add(
          new Field(
              member.name(),
              (int) (member.offset() / 8),
              sizeOf(member.typeId()),
              target.kind() == Kind.ARRAY ? typeName + "[" + target.elements() + "]" : typeName,
              isBigEndian(element),
              sizeOf(element.id())));
    }
    return new Struct(wanted, type.sizeBytes(), List.copyOf(fields));
  }

  /**
   * {@return the enumerators of an enum with their values, in the order of the source;
   * unmodifiable}
   *
   * @param wanted the enum's name in C, without {@code enum}
   * @throws IllegalArgumentException when there is none
   */
  public Map<String, Long> enumeration(String wanted) {
    Type type =
        find(Kind.ENUM, wanted)
            .or(() -> find(Kind.ENUM64, wanted))
            .orElseThrow(() -> new IllegalArgumentException(name + " has no enum " + wanted + "."));
    Map<String, Long> values = new LinkedHashMap<>();
    for (Member member : type.members()) {
      values.put(member.name(), member.value());
    }
    return Collections.unmodifiableMap(values);
  }

  /**
   * {@return the bytes that a value of a type takes}
   *
   * @param typeId of any type; qualifiers and typedefs are followed
   * @throws RefusedException when there is no such type, or it has no size
   */
  public int sizeOf(int typeId) {
    long size = sizeOf(typeId, 0);
    if (size > Integer.MAX_VALUE) {
      throw new RefusedException(name + ": type " + typeId + " has " + size + " bytes.");
    }
    return (int) size;
  }

  private long sizeOf(int typeId, int depth) {
    checkDepth(typeId, depth);
    Type type = type(typeId);
    return switch (type.kind()) {
      case INT, STRUCT, UNION, ENUM, ENUM64, DATASEC, FLOAT -> type.sizeBytes();
      case PTR -> 8;
      case ARRAY -> {
        long elementBytes = sizeOf(type.typeId(), depth + 1);
        long elements = type.elements() & 0xffff_ffffL;
        long bytesInAll = elements * elementBytes;
        if (elementBytes > Integer.MAX_VALUE || bytesInAll > Integer.MAX_VALUE) {
          throw new RefusedException(name + ": type " + typeId + " is too large an array.");
        }
        yield bytesInAll;
      }
      case TYPEDEF, VOLATILE, CONST, RESTRICT, VAR, TYPE_TAG -> sizeOf(type.typeId(), depth + 1);
      case VOID, FWD, FUNC, FUNC_PROTO, DECL_TAG ->
          throw new RefusedException(
              name
                  + ": type "
                  + typeId
                  + " ("
                  + type.kind()
                  + " "
                  + type.name()
                  + ") has no size.");
    };
  }

  /** Follows const, volatile, restrict and type tags, but keeps typedefs. */
  private Type withoutQualifiers(int typeId) {
    Type type = type(typeId);
    for (int depth = 0; ; depth++) {
      checkDepth(typeId, depth);
      switch (type.kind()) {
        case VOLATILE, CONST, RESTRICT, TYPE_TAG -> type = type(type.typeId());
        default -> {
          return type;
        }
      }
    }
  }

  /** Follows typedefs too. */
  public Type resolve(int typeId) {
    Type type = withoutQualifiers(typeId);
    for (int depth = 0; type.kind() == Kind.TYPEDEF; depth++) {
      checkDepth(typeId, depth);
      type = withoutQualifiers(type.typeId());
    }
    return type;
  }

  private boolean isBigEndian(Type start) {
    Type type = start;
    for (int depth = 0; type.kind() == Kind.TYPEDEF; depth++) {
      checkDepth(start.id(), depth);
      switch (type.name()) {
        case "__be16", "__be32", "__be64" -> {
          return true;
        }
        default -> type = withoutQualifiers(type.typeId());
      }
    }
    return false;
  }

  private String nameOf(int typeId) {
    Type type = type(typeId);
    if (type.kind() == Kind.PTR) {
      return "pointer";
    }
    return switch (type.kind()) {
      case STRUCT -> "struct " + type.name();
      case UNION -> "union " + type.name();
      case ENUM, ENUM64 -> "enum " + type.name();
      default -> type.name();
    };
  }

  private void checkDepth(int typeId, int depth) {
    if (depth > MAX_DEPTH) {
      throw new RefusedException(name + " is damaged: type " + typeId + " refers to itself.");
    }
  }
}
