// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Netlink messages captured from other tools: resources of lines "## command" and hexadecimal. */
final class GoldenMessages {
  private final Map<String, List<byte[]>> byCommand = new LinkedHashMap<>();

  GoldenMessages(String resource) {
    try (InputStream in = GoldenMessages.class.getResourceAsStream(resource)) {
      List<byte[]> current = List.of();
      for (String line :
          new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList()) {
        if (line.startsWith("## ")) {
          current = new ArrayList<>();
          byCommand.put(line.substring(3), current);
        } else if (!line.startsWith("#")) {
          current.add(HexFormat.of().parseHex(line));
        }
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  List<String> commands() {
    return List.copyOf(byCommand.keySet());
  }

  List<byte[]> of(String command) {
    List<byte[]> messages = byCommand.get(command);
    if (messages == null) {
      throw new IllegalArgumentException("No capture of \"" + command + "\".");
    }
    return messages;
  }
}
