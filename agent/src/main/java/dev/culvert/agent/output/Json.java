// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import dev.culvert.kernel.RefusedException;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/**
 * JSON (RFC 8259) of plain values: maps, lists, strings, numbers, booleans, null. Written here
 * rather than with Jackson because every short command uses it, and Jackson's classes would take
 * longer to load than the command runs.
 */
public final class Json {
  private Json() {}

  /** One line, keys in the order of the maps. An {@link Optional} is its value, or null. */
  public static String line(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value, -1);
    return out.toString();
  }

  /** Indented by two blanks, for people and for {@code --json}. */
  public static String pretty(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value, 0);
    return out.toString();
  }

  /**
   * Reads one value; whole numbers become {@link Long}, others {@link Double}.
   *
   * @throws RefusedException naming the position of what is no JSON
   */
  public static Object parse(String text) {
    return new JsonParser(text).parse();
  }

  /**
   * Reads one object.
   *
   * @throws RefusedException for anything else
   */
  @SuppressWarnings("unchecked") // the parser makes no other maps
  public static Map<String, Object> parseObject(String text) {
    if (parse(text) instanceof Map<?, ?> map) {
      return (Map<String, Object>) map;
    }
    throw new RefusedException("Expected a JSON object.");
  }

  /** depth -1 writes everything on one line. */
  private static void write(StringBuilder out, Object value, int depth) {
    switch (value) {
      case null -> out.append("null");
      case Optional<?> optional -> write(out, optional.orElse(null), depth);
      case Map<?, ?> map -> writeMap(out, map, depth);
      case Collection<?> list -> writeList(out, list, depth);
      case Boolean b -> out.append(b.booleanValue());
      case Number number -> out.append(number);
      default -> quote(out, value.toString());
    }
  }

  private static void writeMap(StringBuilder out, Map<?, ?> map, int depth) {
    out.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(separator);
      newLine(out, depth, 1);
      quote(out, entry.getKey().toString());
      out.append(depth < 0 ? ":" : ": ");
      write(out, entry.getValue(), depth < 0 ? -1 : depth + 1);
      separator = ",";
    }
    if (!map.isEmpty()) {
      newLine(out, depth, 0);
    }
    out.append('}');
  }

  private static void writeList(StringBuilder out, Collection<?> list, int depth) {
    out.append('[');
    String separator = "";
    for (Object element : list) {
      out.append(separator);
      newLine(out, depth, 1);
      write(out, element, depth < 0 ? -1 : depth + 1);
      separator = ",";
    }
    if (!list.isEmpty()) {
      newLine(out, depth, 0);
    }
    out.append(']');
  }

  private static void newLine(StringBuilder out, int depth, int deeper) {
    if (depth >= 0) {
      out.append('\n').repeat("  ", depth + deeper);
    }
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < ' ') {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
