// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** One mapping of the file: looks keys up, converts values, and says what is wrong with them. */
final class Section {
  private final String file;
  private final String prefix;
  private final YamlNode.Mapping mapping;

  /**
   * @param prefix of the keys in messages, such as "underlay."
   * @param known the keys that may stand here
   */
  Section(String file, String prefix, YamlNode.Mapping mapping, Set<String> known) {
    this.file = file;
    this.prefix = prefix;
    this.mapping = mapping;
    mapping
        .entries()
        .forEach((key, entry) -> {
          if (!known.contains(key)) {
            throw new ConfigException(
                "%s, line %d: unknown key \"%s\"; did you mean \"%s\"?"
                    .formatted(file, entry.line(), prefix + key, prefix + nearest(key, known)));
          }
        });
  }

  /** Converts a value; an {@link IllegalArgumentException} of the conversion becomes the reason. */
  <T> Optional<T> value(String key, Function<String, T> conversion) {
    YamlNode.Entry entry = mapping.entries().get(key);
    if (entry == null) {
      return Optional.empty();
    }
    return Optional.of(convert(key, entry.value(), entry.line(), conversion));
  }

  /** Like {@link #value}, for a key that must be there. */
  <T> T required(String key, String example, Function<String, T> conversion) {
    return value(key, conversion).orElseThrow(() -> missing(key, example));
  }

  ConfigException missing(String key, String example) {
    return new ConfigException(
        "%s: the key \"%s%s\" is missing; add one, such as \"%s\"."
            .formatted(file, prefix, key, example));
  }

  <T> List<T> list(String key, Function<String, T> conversion) {
    YamlNode.Entry entry = mapping.entries().get(key);
    if (entry == null || entry.value() instanceof YamlNode.Empty) {
      return List.of();
    }
    if (!(entry.value() instanceof YamlNode.Sequence(List<YamlNode> elements, int ignored))) {
      throw problem(key, entry.line(), "must be a list; write [br0, br1].");
    }
    List<T> values = new ArrayList<>();
    for (YamlNode element : elements) {
      values.add(convert(key, element, element.line(), conversion));
    }
    return values;
  }

  /** Whether one of them is there. */
  boolean has(String... keys) {
    return Stream.of(keys).anyMatch(mapping.entries()::containsKey);
  }

  /** Whether there are keys below it, rather than one value. */
  boolean hasKeys(String key) {
    YamlNode.Entry entry = mapping.entries().get(key);
    return entry != null && entry.value() instanceof YamlNode.Mapping;
  }

  Optional<Section> section(String key, Set<String> known, String example) {
    YamlNode.Entry entry = mapping.entries().get(key);
    if (entry == null) {
      return Optional.empty();
    }
    if (entry.value() instanceof YamlNode.Mapping inner) {
      return Optional.of(new Section(file, prefix + key + ".", inner, known));
    }
    throw problem(
        key, entry.line(), "holds keys of its own; write them indented below it: " + example + ".");
  }

  int whole(String key, int defaultValue, int min, int max) {
    return value(key, text -> Values.whole(text, min, max)).orElse(defaultValue);
  }

  Optional<IpPrefix> prefix(String key) {
    return value(key, IpPrefix::parse);
  }

  /** A complaint about a key that is there, or about the file where it is not. */
  ConfigException problem(String key, String reason) {
    YamlNode.Entry entry = mapping.entries().get(key);
    return entry == null
        ? new ConfigException(file + ": " + prefix + key + ": " + reason)
        : problem(key, entry.line(), reason);
  }

  private ConfigException problem(String key, int line, String reason) {
    return new ConfigException("%s, line %d: %s%s: %s".formatted(file, line, prefix, key, reason));
  }

  private <T> T convert(String key, YamlNode node, int line, Function<String, T> conversion) {
    switch (node) {
      case YamlNode.Empty ignored ->
          throw problem(key, line, "has no value; write one, or remove the key.");
      case YamlNode.Sequence ignored -> throw problem(key, line, "is a list, but takes one value.");
      case YamlNode.Mapping ignored ->
          throw problem(key, line, "has keys below it, but takes one value.");
      case YamlNode.Scalar scalar -> {
        try {
          return conversion.apply(scalar.text());
        } catch (RefusedException | IllegalArgumentException e) {
          ConfigException problem = problem(key, line, e.getMessage());
          problem.initCause(e);
          throw problem;
        }
      }
    }
  }

  private static String nearest(String wrong, Set<String> known) {
    return known.stream()
        .min(
            java.util.Comparator.<String>comparingInt(key -> Values.distance(wrong, key))
                .thenComparing(java.util.Comparator.naturalOrder()))
        .orElseThrow();
  }
}
