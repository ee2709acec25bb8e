// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.kernel.RefusedException;
import java.time.DateTimeException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The {@code key = value} lines of a text that people write, each with its line: {@code #} begins a
 * comment. Immutable.
 */
final class TextEntries {
  private record Entry(String value, int line) {}

  private final Map<String, Entry> entries;

  private TextEntries(Map<String, Entry> entries) {
    this.entries = entries;
  }

  /**
   * @param known which keys there are
   * @param keys the same in words
   */
  static TextEntries parse(String text, Predicate<String> known, String keys)
      throws MalformedException {
    Map<String, Entry> entries = new LinkedHashMap<>();
    int number = 0;
    for (String raw : text.split("\n", -1)) {
      number++;
      int comment = raw.indexOf('#');
      String line = (comment < 0 ? raw : raw.substring(0, comment)).strip();
      if (line.isEmpty()) {
        continue;
      }
      int equals = line.indexOf('=');
      if (equals < 0) {
        throw new MalformedException("line " + number + ": \"" + line + "\" is not key = value.");
      }
      String key = line.substring(0, equals).strip();
      if (!known.test(key)) {
        throw new MalformedException(
            "line " + number + ": unknown key \"" + key + "\"; the keys are " + keys + ".");
      }
      Entry entry = new Entry(line.substring(equals + 1).strip(), number);
      Entry earlier = entries.putIfAbsent(key, entry);
      if (earlier != null) {
        throw new MalformedException(
            "line " + number + ": " + key + " stands in line " + earlier.line() + " already.");
      }
    }
    return new TextEntries(entries);
  }

  boolean has(String key) {
    return entries.containsKey(key);
  }

  Set<String> keys() {
    return entries.keySet();
  }

  void require(List<String> required) throws MalformedException {
    for (String key : required) {
      if (!has(key)) {
        int last = entries.values().stream().mapToInt(Entry::line).max().orElse(1);
        throw new MalformedException("line " + last + ": the text ends without " + key + ".");
      }
    }
  }

  /** The value of a key that is there. */
  <T> T read(String key, Function<String, T> reader) throws MalformedException {
    Entry entry = entries.get(key);
    try {
      return reader.apply(entry.value());
    } catch (NumberFormatException e) {
      throw malformed(key, entry, "\"" + entry.value() + "\" is not a whole number in range.", e);
    } catch (DateTimeException e) {
      String problem = "\"" + entry.value() + "\" is not a time; write it as 2026-11-24T10:00:00Z.";
      throw malformed(key, entry, problem, e);
    } catch (RefusedException | IllegalArgumentException e) {
      throw malformed(key, entry, e.getMessage(), e);
    }
  }

  private static MalformedException malformed(
      String key, Entry entry, String problem, RuntimeException cause) {
    var malformed = new MalformedException("line " + entry.line() + ": " + key + ": " + problem);
    malformed.initCause(cause);
    return malformed;
  }

  static void line(StringBuilder text, String key, Object value) {
    text.append(key).append(" = ").append(value).append('\n');
  }
}
