// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A cursor over JSON text (RFC 8259), one method for each production. */
final class JsonParser {
  // A peer may not make us recurse until the stack ends.
  private static final int MAX_DEPTH = 64;

  private final String text;
  private int position;
  private int depth;

  JsonParser(String text) {
    this.text = text;
  }

  Object parse() {
    Object value = value();
    skipBlanks();
    if (position < text.length()) {
      throw error("something behind the end");
    }
    return value;
  }

  private Object value() {
    skipBlanks();
    return switch (peek()) {
      case '{' -> nested(this::object);
      case '[' -> nested(this::array);
      case '"' -> string();
      case 't' -> word("true", true);
      case 'f' -> word("false", false);
      case 'n' -> word("null", null);
      default -> number();
    };
  }

  private Object nested(java.util.function.Supplier<Object> production) {
    if (++depth > MAX_DEPTH) {
      throw error("more than " + MAX_DEPTH + " levels");
    }
    Object value = production.get();
    depth--;
    return value;
  }

  private Map<String, Object> object() {
    Map<String, Object> map = new LinkedHashMap<>();
    position++;
    skipBlanks();
    if (accept('}')) {
      return map;
    }
    do {
      skipBlanks();
      String key = string();
      skipBlanks();
      expect(':');
      if (map.containsKey(key)) {
        throw error("the key \"" + key + "\" a second time");
      }
      map.put(key, value());
      skipBlanks();
    } while (accept(','));
    expect('}');
    return map;
  }

  private List<Object> array() {
    List<Object> list = new ArrayList<>();
    position++;
    skipBlanks();
    if (accept(']')) {
      return list;
    }
    do {
      list.add(value());
      skipBlanks();
    } while (accept(','));
    expect(']');
    return list;
  }

  private String string() {
    expect('"');
    StringBuilder out = new StringBuilder();
    while (peek() != '"') {
      char c = next();
      if (c < ' ') {
        throw error("a control character in a string");
      }
      out.append(c == '\\' ? escape() : c);
    }
    position++;
    return out.toString();
  }

  private char escape() {
    char c = next();
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> hex();
      default -> throw error("the escape \\" + c);
    };
  }

  private char hex() {
    int value = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(next(), 16);
      if (digit < 0) {
        throw error("four hexadecimal digits missing");
      }
      value = value << 4 | digit;
    }
    return (char) value;
  }

  private Object number() {
    int start = position;
    while (position < text.length() && "+-.eE0123456789".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
    String digits = text.substring(start, position);
    try {
      if (digits.matches("-?(0|[1-9]\\d*)")) {
        return Long.valueOf(digits);
      }
      if (digits.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?")) {
        return Double.valueOf(digits);
      }
    } catch (NumberFormatException tooLong) {
      throw new RefusedException("The number " + digits + " is too large.", tooLong);
    }
    position = start;
    throw error("no value");
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, position)) {
      throw error("no value");
    }
    position += word.length();
    return value;
  }

  private void skipBlanks() {
    while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
  }

  private boolean accept(char c) {
    if (peek() != c) {
      return false;
    }
    position++;
    return true;
  }

  private void expect(char c) {
    if (!accept(c)) {
      throw error("no '" + c + "'");
    }
  }

  private char peek() {
    if (position >= text.length()) {
      throw error("the end");
    }
    return text.charAt(position);
  }

  private char next() {
    char c = peek();
    position++;
    return c;
  }

  private RefusedException error(String found) {
    return new RefusedException(
        "Not JSON: found " + found + " at character " + (position + 1) + ".");
  }
}
