// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * YAML as written, each node with its line: data binding would lose the lines, and a message
 * without one sends people searching.
 */
sealed interface YamlNode {
  int line();

  /** Any single value, as text: "24", 24 and "yes" are told apart by who reads them. */
  record Scalar(String text, int line) implements YamlNode {}

  /** A key with nothing behind it. */
  record Empty(int line) implements YamlNode {}

  record Sequence(List<YamlNode> elements, int line) implements YamlNode {}

  record Mapping(Map<String, Entry> entries, int line) implements YamlNode {}

  /**
   * @param line where the key stands
   */
  record Entry(YamlNode value, int line) {}

  /**
   * Reads a document.
   *
   * @param file named in messages
   */
  static YamlNode parse(String text, String file) {
    try (YAMLParser parser = new YAMLFactory().createParser(text)) {
      JsonToken first = parser.nextToken();
      if (first == null) {
        return new Empty(1);
      }
      YamlNode node = Reader.node(parser, file);
      if (parser.nextToken() != null) {
        throw new ConfigException(
            file
                + ", line "
                + Reader.line(parser)
                + ": a second document begins here; a configuration is one document.");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw new ConfigException(
          file + place(e.getLocation()) + ": not YAML (" + firstLine(e) + ").", e);
    } catch (IOException impossible) {
      throw new AssertionError("a string was read", impossible);
    }
  }

  private static String place(JsonLocation location) {
    return location == null ? "" : ", line " + location.getLineNr();
  }

  private static String firstLine(JsonProcessingException e) {
    return e.getOriginalMessage().lines().findFirst().orElse("no detail");
  }

  /** The recursive part. */
  final class Reader {
    private Reader() {}

    static YamlNode node(YAMLParser parser, String file) throws IOException {
      int line = line(parser);
      return switch (parser.currentToken()) {
        case START_OBJECT -> mapping(parser, file, line);
        case START_ARRAY -> sequence(parser, file, line);
        case VALUE_NULL -> new Empty(line);
        default -> new Scalar(parser.getText(), line);
      };
    }

    static int line(YAMLParser parser) {
      return parser.currentTokenLocation().getLineNr();
    }

    private static YamlNode mapping(YAMLParser parser, String file, int line) throws IOException {
      Map<String, Entry> entries = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        int keyLine = line(parser);
        parser.nextToken();
        Entry earlier = entries.put(key, new Entry(node(parser, file), keyLine));
        if (earlier != null) {
          throw new ConfigException(
              "%s, line %d: the key \"%s\" stands in line %d already; remove one of the two."
                  .formatted(file, keyLine, key, earlier.line()));
        }
      }
      return new Mapping(entries, line);
    }

    private static YamlNode sequence(YAMLParser parser, String file, int line) throws IOException {
      List<YamlNode> elements = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        elements.add(node(parser, file));
      }
      return new Sequence(elements, line);
    }
  }
}
