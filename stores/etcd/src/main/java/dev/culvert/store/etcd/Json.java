// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A JSON object as the gateway writes it: bytes are base64, 64-bit numbers are strings, and what is
 * zero is left out.
 */
final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private final Map<?, ?> fields;

  private Json(Map<?, ?> fields) {
    this.fields = fields;
  }

  /**
   * @param fields texts, lists and maps, as {@link #parse} has them
   */
  static Json of(Map<String, ?> fields) {
    return new Json(fields);
  }

  /**
   * @throws IOException when the text is no JSON object
   */
  static Json parse(String text) throws IOException {
    try (JsonParser parser = FACTORY.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("no JSON object");
      }
      return new Json((Map<?, ?>) value(parser));
    }
  }

  private static Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> map = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          map.put(name, value(parser));
        }
        yield map;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        yield list;
      }
      case VALUE_NULL -> "";
      case null -> throw new IOException("the JSON text ends early");
      default -> parser.getText();
    };
  }

  /**
   * @param value of maps, lists, strings, numbers and truth values
   */
  static String write(Map<String, ?> value) {
    StringWriter out = new StringWriter();
    try (JsonGenerator generator = FACTORY.createGenerator(out)) {
      write(generator, value);
    } catch (IOException e) {
      throw new IllegalStateException(e); // nothing is written but to memory
    }
    return out.toString();
  }

  private static void write(JsonGenerator generator, Object value) throws IOException {
    switch (value) {
      case Map<?, ?> map -> {
        generator.writeStartObject();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          generator.writeFieldName(entry.getKey().toString());
          write(generator, entry.getValue());
        }
        generator.writeEndObject();
      }
      case List<?> list -> {
        generator.writeStartArray();
        for (Object element : list) {
          write(generator, element);
        }
        generator.writeEndArray();
      }
      case Boolean truth -> generator.writeBoolean(truth);
      case Number number -> generator.writeString(number.toString());
      default -> generator.writeString(value.toString());
    }
  }

  /** An object within; empty where it is left out. */
  Json object(String name) {
    return new Json(fields.get(name) instanceof Map<?, ?> map ? map : Map.of());
  }

  /** The objects of a list within; none where it is left out. */
  List<Json> objects(String name) {
    List<Json> objects = new ArrayList<>();
    if (fields.get(name) instanceof List<?> list) {
      for (Object element : list) {
        if (element instanceof Map<?, ?> map) {
          objects.add(new Json(map));
        }
      }
    }
    return objects;
  }

  boolean has(String name) {
    return fields.containsKey(name);
  }

  /** A text; empty where it is left out. */
  String text(String name) {
    return fields.get(name) instanceof String text ? text : "";
  }

  boolean flag(String name) {
    return Boolean.parseBoolean(text(name));
  }

  /** A 64-bit number; 0 where it is left out. */
  long number(String name) {
    String text = text(name);
    return text.isEmpty() ? 0 : Long.parseUnsignedLong(text);
  }

  /** Base64 of a text; what is not UTF-8 in it is replaced. */
  String decoded(String name) {
    return new String(Base64.getDecoder().decode(text(name)), StandardCharsets.UTF_8);
  }

  static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
