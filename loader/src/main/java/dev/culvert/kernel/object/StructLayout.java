// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.object;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The Java mirror of a C struct: fields in the order of the source, placed as C places them. {@link
 * #checkAgainst(Btf)} tells where the mirror and an object file differ. Immutable.
 *
 * <pre>{@code
 * StructLayout KEY = StructLayout.of("subnet4_key").u32("prefix_length").be32("vni").be32("address").build();
 * StructLayout.Field VNI = KEY.field("vni");
 * VNI.set(segment, 0, 42);
 * }</pre>
 */
public final class StructLayout {
  /** How the bytes of a field are read. */
  public enum Form {
    /** A number in the host's order, as BPF programs use it. */
    HOST,
    /** A number in network order, {@code __be*} in C. */
    BIG_ENDIAN,
    /** Bytes or a nested value without an order of their own. */
    BYTES
  }

  /**
   * One field.
   *
   * @param name in C
   * @param offsetBytes from the beginning of the struct
   * @param sizeBytes of the whole field, also of an array
   * @param form how its bytes are read
   */
  public record Field(String name, int offsetBytes, int sizeBytes, Form form) {
    /**
     * Reads a number.
     *
     * @param segment holds the struct
     * @param base where the struct begins in the segment, in bytes
     * @return the number, unsigned up to 4 bytes
     * @throws IllegalStateException when the field is no number of 1, 2, 4 or 8 bytes
     */
    public long get(MemorySegment segment, long base) {
      long at = base + offsetBytes;
      return switch (sizeBytes) {
        case 1 -> segment.get(ValueLayout.JAVA_BYTE, at) & 0xffL;
        case 2 -> segment.get(form == Form.BIG_ENDIAN ? BE16 : HOST16, at) & 0xffffL;
        case 4 -> segment.get(form == Form.BIG_ENDIAN ? BE32 : HOST32, at) & 0xffff_ffffL;
        case 8 -> segment.get(form == Form.BIG_ENDIAN ? BE64 : HOST64, at);
        default -> throw notANumber();
      };
    }

    /**
     * Writes a number.
     *
     * @param segment holds the struct
     * @param base where the struct begins in the segment, in bytes
     * @param value unsigned up to 4 bytes
     * @throws IllegalArgumentException when the value does not fit the field
     * @throws IllegalStateException when the field is no number of 1, 2, 4 or 8 bytes
     */
    public void set(MemorySegment segment, long base, long value) {
      if (sizeBytes < 8 && value >>> (8 * sizeBytes) != 0) {
        throw new IllegalArgumentException(
            value + " does not fit the " + sizeBytes + " bytes of the field " + name + ".");
      }
      long at = base + offsetBytes;
      switch (sizeBytes) {
        case 1 -> segment.set(ValueLayout.JAVA_BYTE, at, (byte) value);
        case 2 -> segment.set(form == Form.BIG_ENDIAN ? BE16 : HOST16, at, (short) value);
        case 4 -> segment.set(form == Form.BIG_ENDIAN ? BE32 : HOST32, at, (int) value);
        case 8 -> segment.set(form == Form.BIG_ENDIAN ? BE64 : HOST64, at, value);
        default -> throw notANumber();
      }
    }

    /**
     * {@return a copy of the field's bytes as they lie in memory}
     *
     * @param segment holds the struct
     * @param base where the struct begins in the segment, in bytes
     */
    public byte[] bytes(MemorySegment segment, long base) {
      return segment.asSlice(base + offsetBytes, sizeBytes).toArray(ValueLayout.JAVA_BYTE);
    }

    /**
     * Writes the field's bytes.
     *
     * @param segment holds the struct
     * @param base where the struct begins in the segment, in bytes
     * @param value as it is to lie in memory; fewer bytes than the field takes are followed by
     *     zeros
     * @throws IllegalArgumentException for more bytes than the field takes
     */
    public void setBytes(MemorySegment segment, long base, byte[] value) {
      if (value.length > sizeBytes) {
        throw new IllegalArgumentException(
            value.length + " bytes do not fit the " + sizeBytes + " of the field " + name + ".");
      }
      long at = base + offsetBytes;
      MemorySegment.copy(value, 0, segment, ValueLayout.JAVA_BYTE, at, value.length);
      for (int i = value.length; i < sizeBytes; i++) {
        segment.set(ValueLayout.JAVA_BYTE, at + i, (byte) 0);
      }
    }

    private IllegalStateException notANumber() {
      return new IllegalStateException(
          "The field " + name + " has " + sizeBytes + " bytes and is no number.");
    }
  }

  private static final ValueLayout.OfShort HOST16 = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt HOST32 = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong HOST64 = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfShort BE16 = HOST16.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt BE32 = HOST32.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong BE64 = HOST64.withOrder(ByteOrder.BIG_ENDIAN);

  private final String name;
  private final int sizeBytes;
  private final Map<String, Field> fields;

  private StructLayout(String name, int sizeBytes, Map<String, Field> fields) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.fields = fields;
  }

  /**
   * Begins the mirror of {@code struct name}.
   *
   * @param name in C, without {@code struct}
   * @return a builder without fields
   */
  public static Builder of(String name) {
    return new Builder(name);
  }

  /** {@return the struct's name in C, without {@code struct}} */
  public String name() {
    return name;
  }

  /** {@return the bytes of the whole struct, with what C pads it with at its end} */
  public int sizeBytes() {
    return sizeBytes;
  }

  /** {@return all fields, in the order of the source} */
  public List<Field> fields() {
    return List.copyOf(fields.values());
  }

  /**
   * {@return one field}
   *
   * @param wanted its name in C
   * @throws IllegalArgumentException when the mirror has no such field
   */
  public Field field(String wanted) {
    Field field = fields.get(wanted);
    if (field == null) {
      throw new IllegalArgumentException(
          "The mirror of struct "
              + name
              + " has no field "
              + wanted
              + ", only "
              + fields.keySet()
              + ".");
    }
    return field;
  }

  /**
   * Compares the mirror with the struct of the same name: fields, offsets, sizes, byte order.
   *
   * @param btf the types of an object file
   * @return one sentence for each difference; empty when the two agree
   */
  public List<String> checkAgainst(Btf btf) {
    if (btf.find(Btf.Kind.STRUCT, name).isEmpty()) {
      return List.of("struct " + name + " is not in the object.");
    }
    Btf.Struct struct = btf.struct(name);
    List<String> differences = new ArrayList<>();
    if (struct.sizeBytes() != sizeBytes) {
      differences.add(
          "struct "
              + name
              + " has "
              + struct.sizeBytes()
              + " bytes in C, "
              + sizeBytes
              + " in Java.");
    }
    Map<String, Field> left = new LinkedHashMap<>(fields);
    for (Btf.Field c : struct.fields()) {
      Field java = left.remove(c.name());
      if (java == null) {
        differences.add(name + "." + c.name() + " is in C, not in Java.");
      } else {
        compare(c, java, differences);
      }
    }
    for (Field java : left.values()) {
      differences.add(name + "." + java.name() + " is in Java, not in C.");
    }
    return List.copyOf(differences);
  }

  private void compare(Btf.Field c, Field java, List<String> differences) {
    String path = name + "." + c.name();
    if (c.offsetBytes() != java.offsetBytes()) {
      differences.add(
          path + " lies at " + c.offsetBytes() + " in C, at " + java.offsetBytes() + " in Java.");
    }
    if (c.sizeBytes() != java.sizeBytes()) {
      differences.add(
          path + " has " + c.sizeBytes() + " bytes in C, " + java.sizeBytes() + " in Java.");
    }
    boolean number = c.elementBytes() == c.sizeBytes() && java.sizeBytes() > 1;
    if (c.bigEndian() && java.form() == Form.HOST) {
      differences.add(path + " is " + c.typeName() + " in C, in the host's order in Java.");
    } else if (!c.bigEndian() && java.form() == Form.BIG_ENDIAN) {
      differences.add(path + " is " + c.typeName() + " in C, big-endian in Java.");
    } else if (!number && c.sizeBytes() > 1 && java.form() != Form.BYTES) {
      differences.add(path + " is " + c.typeName() + " in C, a number in Java.");
    }
  }

  /**
   * Collects fields in the order of the C source; two of one name are refused by {@link
   * IllegalArgumentException}. Used by one thread.
   */
  public static final class Builder {
    private final String name;
    private final Map<String, Field> fields = new LinkedHashMap<>();
    private int end;
    private int alignment = 1;

    private Builder(String name) {
      this.name = name;
    }

    /**
     * A {@code __u8}.
     *
     * @param field its name in C
     * @return this
     */
    public Builder u8(String field) {
      return add(field, 1, 1, Form.HOST);
    }

    /**
     * A {@code __u16} in the host's order.
     *
     * @param field its name in C
     * @return this
     */
    public Builder u16(String field) {
      return add(field, 2, 2, Form.HOST);
    }

    /**
     * A {@code __u32} in the host's order.
     *
     * @param field its name in C
     * @return this
     */
    public Builder u32(String field) {
      return add(field, 4, 4, Form.HOST);
    }

    /**
     * A {@code __u64} in the host's order.
     *
     * @param field its name in C
     * @return this
     */
    public Builder u64(String field) {
      return add(field, 8, 8, Form.HOST);
    }

    /**
     * A {@code __be16}.
     *
     * @param field its name in C
     * @return this
     */
    public Builder be16(String field) {
      return add(field, 2, 2, Form.BIG_ENDIAN);
    }

    /**
     * A {@code __be32}.
     *
     * @param field its name in C
     * @return this
     */
    public Builder be32(String field) {
      return add(field, 4, 4, Form.BIG_ENDIAN);
    }

    /**
     * An array of bytes, {@code __u8 field[count]}.
     *
     * @param field its name in C
     * @param count of bytes, 1 or more
     * @return this
     */
    public Builder bytes(String field, int count) {
      return add(field, count, 1, Form.BYTES);
    }

    /** {@return the mirror of the fields so far; the builder may go on} */
    public StructLayout build() {
      return new StructLayout(name, align(end, alignment), new LinkedHashMap<>(fields));
    }

    private Builder add(String field, int bytes, int fieldAlignment, Form form) {
      int offset = align(end, fieldAlignment);
      if (fields.put(field, new Field(field, offset, bytes, form)) != null) {
        throw new IllegalArgumentException("struct " + name + " has two fields " + field + ".");
      }
      end = offset + bytes;
      alignment = Math.max(alignment, fieldAlignment);
      return this;
    }

    private static int align(int offset, int to) {
      return (offset + to - 1) / to * to;
    }
  }
}
