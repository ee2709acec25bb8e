// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.output.Json;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * One request, whose values must be there and of their kinds: what is overlooked would be done in
 * another way than was asked.
 */
record Request(Map<String, Object> fields) {
  /**
   * @throws RefusedException for what is no JSON object
   */
  static Request parse(String line) {
    return new Request(Json.parseObject(line));
  }

  String name() {
    return text("request");
  }

  /**
   * @throws RefusedException when it has others than these
   */
  void requireOnly(Set<String> keys) {
    Set<String> others = new TreeSet<>(fields.keySet());
    others.removeAll(keys);
    others.remove("request");
    if (!others.isEmpty()) {
      throw new RefusedException(
          "The request \"%s\" takes %s, not \"%s\"; are agent and command of the same version?"
              .formatted(
                  name(),
                  keys.isEmpty() ? "nothing" : String.join(", ", new TreeSet<>(keys)),
                  String.join("\", \"", others)));
    }
  }

  boolean has(String key) {
    return fields.get(key) != null;
  }

  String text(String key) {
    Object value = fields.get(key);
    if (value instanceof String text && !text.isEmpty()) {
      return text;
    }
    throw new RefusedException(
        value == null
            ? "The request has no \"" + key + "\"."
            : "The request's \"%s\" is %s; write a text.".formatted(key, Json.line(value)));
  }

  /** A text that may be empty. */
  String anyText(String key) {
    return "".equals(fields.get(key)) ? "" : text(key);
  }

  /** An object of texts. */
  Map<String, String> texts(String key) {
    Map<String, String> texts = new LinkedHashMap<>();
    if (fields.get(key) instanceof Map<?, ?> object
        && object.values().stream().allMatch(String.class::isInstance)) {
      object.forEach((name, value) -> texts.put((String) name, (String) value));
      return texts;
    }
    throw new RefusedException(
        "The request's \"%s\" is %s; write an object of texts."
            .formatted(key, Json.line(fields.get(key))));
  }

  InterfaceName interfaceName(String key) {
    return new InterfaceName(text(key));
  }

  Path path(String key) {
    String text = text(key);
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new RefusedException("The request's \"" + key + "\" is no path.", e);
    }
  }

  /** The namespace, the interface in it, and perhaps a label. */
  ContainerEnd container() {
    return new ContainerEnd(
        path("netns"),
        interfaceName("interface"),
        has("label") ? Optional.of(new ContainerLabel(text("label"))) : Optional.empty());
  }

  InetAddress address(String key) {
    return IpPrefix.parseAddress(text(key));
  }

  /** Of a list under {@code keyOfMany}, one under {@code key}, or both. */
  List<InetAddress> addresses(String key, String keyOfMany) {
    List<InetAddress> addresses = new ArrayList<>();
    if (has(key)) {
      addresses.add(address(key));
    }
    if (has(keyOfMany)) {
      if (!(fields.get(keyOfMany) instanceof List<?> list)) {
        throw notTexts(keyOfMany);
      }
      for (Object element : list) {
        if (!(element instanceof String text)) {
          throw notTexts(keyOfMany);
        }
        addresses.add(IpPrefix.parseAddress(text));
      }
    }
    return addresses;
  }

  private RefusedException notTexts(String key) {
    return new RefusedException(
        "The request's \"%s\" is %s; write a list of texts."
            .formatted(key, Json.line(fields.get(key))));
  }
}
