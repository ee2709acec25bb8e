// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.List;

/** Reads {@link Btf}. The offsets below are those of struct btf_header and struct btf_type. */
final class BtfParser {
  static final int MAGIC = 0xeb9f;
  static final int HEADER_BYTES = 24;
  private static final int TYPE_BYTES = 12;
  private static final Btf.Kind[] KINDS = Btf.Kind.values();

  private final ByteView types;
  private final ByteView strings;

  private BtfParser(ByteView types, ByteView strings) {
    this.types = types;
    this.strings = strings;
  }

  static Btf parse(ByteView section) {
    String name = section.name();
    long headerBytes = checkHeader(section);
    ByteView body = section.slice(headerBytes, section.length() - headerBytes, name);
    ByteView types = body.slice(section.u32(8), section.u32(12), name + ", types");
    ByteView strings = body.slice(section.u32(16), section.u32(20), name + ", names");
    return new Btf(name, new BtfParser(types, strings).readAll(), section.copy());
  }

  private static long checkHeader(ByteView section) {
    String name = section.name();
    if (section.u16(0) != MAGIC) {
      throw new RefusedException(name + " does not begin as BTF does (0xeb9f).");
    }
    if (section.u8(2) != 1) {
      throw new RefusedException(name + " is BTF of version " + section.u8(2) + ", not 1.");
    }
    long headerBytes = section.u32(4);
    if (headerBytes < HEADER_BYTES || headerBytes > section.length()) {
      throw new RefusedException(name + " is damaged: its header has " + headerBytes + " bytes.");
    }
    return headerBytes;
  }

  private List<Btf.Type> readAll() {
    List<Btf.Type> result = new ArrayList<>();
    result.add(Btf.Type.VOID);
    for (int at = 0; at < types.length(); ) {
      int info = types.s32(at + 4L);
      int kindNumber = info >>> 24 & 0x1f;
      if (kindNumber == 0 || kindNumber >= KINDS.length) {
        throw new RefusedException(
            types.name()
                + ": type "
                + result.size()
                + " is of the unknown kind "
                + kindNumber
                + ".");
      }
      Btf.Type type = read(result.size(), at, KINDS[kindNumber], info);
      result.add(type);
      at += TYPE_BYTES + tailBytes(type.kind(), info & 0xffff);
    }
    return result;
  }

  static int tailBytes(Btf.Kind kind, int count) {
    return switch (kind) {
      case INT, VAR, DECL_TAG -> 4;
      case ARRAY -> 12;
      case STRUCT, UNION, DATASEC, ENUM64 -> 12 * count;
      case ENUM, FUNC_PROTO -> 8 * count;
      case VOID, PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT, TYPE_TAG -> 0;
    };
  }

  private Btf.Type read(int id, int at, Btf.Kind kind, int info) {
    String name = name(types.u32(at));
    int count = info & 0xffff;
    boolean flag = info < 0;
    int sizeOrType = types.s32(at + 8L);
    long tail = (long) at + TYPE_BYTES;
    types.slice(tail, tailBytes(kind, count), types.name());
    return switch (kind) {
      case INT -> new Btf.Type(id, kind, name, sizeOrType, 0, types.s32(tail), List.of());
      case FLOAT -> new Btf.Type(id, kind, name, sizeOrType, 0, 0, List.of());
      case ARRAY ->
          new Btf.Type(id, kind, name, 0, types.s32(tail), types.s32(tail + 8), List.of());
      case STRUCT, UNION, ENUM, ENUM64, DATASEC ->
          new Btf.Type(id, kind, name, sizeOrType, 0, 0, members(kind, flag, tail, count));
      case FUNC_PROTO ->
          new Btf.Type(id, kind, name, 0, sizeOrType, 0, members(kind, flag, tail, count));
      case FUNC -> new Btf.Type(id, kind, name, 0, sizeOrType, count, List.of());
      case VAR -> new Btf.Type(id, kind, name, 0, sizeOrType, types.s32(tail), List.of());
      case VOID, PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, DECL_TAG, TYPE_TAG ->
          new Btf.Type(id, kind, name, 0, sizeOrType, 0, List.of());
    };
  }

  private List<Btf.Member> members(Btf.Kind kind, boolean flag, long tail, int count) {
    List<Btf.Member> result = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      result.add(
          switch (kind) {
            case ENUM -> {
              long at = tail + 8L * i;
              // The flag of an enum says that its values are signed.
              long value = flag ? types.s32(at + 4) : types.u32(at + 4);
              yield new Btf.Member(name(types.u32(at)), 0, 0, 0, value);
            }
            case ENUM64 -> {
              long at = tail + 12L * i;
              long value = types.u32(at + 4) | types.u32(at + 8) << 32;
              yield new Btf.Member(name(types.u32(at)), 0, 0, 0, value);
            }
            case FUNC_PROTO -> {
              long at = tail + 8L * i;
              yield new Btf.Member(name(types.u32(at)), types.s32(at + 4), 0, 0, 0);
            }
            case DATASEC -> {
              long at = tail + 12L * i;
              yield new Btf.Member("", types.s32(at), types.u32(at + 4), types.s32(at + 8), 0);
            }
            default -> {
              long at = tail + 12L * i;
              long offset = types.u32(at + 8);
              // The flag of a struct says that offsets carry the size of bit fields on top.
              yield new Btf.Member(
                  name(types.u32(at)),
                  types.s32(at + 4),
                  flag ? offset & 0xff_ffff : offset,
                  flag ? (int) (offset >>> 24) : 0,
                  0);
            }
          });
    }
    return List.copyOf(result);
  }

  private String name(long offset) {
    return offset == 0 ? "" : strings.cString(offset);
  }
}
