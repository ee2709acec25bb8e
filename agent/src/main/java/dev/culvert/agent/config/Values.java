// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.kernel.RefusedException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Conversions of single values. Each throws RefusedException with the reason and an example. */
final class Values {
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(s|m|h|d)");
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})-(\\d{1,5})");

  private Values() {}

  static String text(String text) {
    if (text.isBlank()) {
      throw new RefusedException("is empty; write a value, or remove the key.");
    }
    return text;
  }

  static int whole(String text, int min, int max) {
    try {
      int value = Integer.parseInt(text);
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw new RefusedException(
          "\"%s\" is not a whole number; write one from %d to %d.".formatted(text, min, max), e);
    }
    throw new RefusedException(
        "%s is out of range; write a number from %d to %d.".formatted(text, min, max));
  }

  static boolean flag(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new RefusedException("\"" + text + "\" is neither true nor false.");
    };
  }

  static Path absolutePath(String text) {
    try {
      Path path = Path.of(text);
      if (path.isAbsolute()) {
        return path.normalize();
      }
    } catch (InvalidPathException e) {
      throw new RefusedException("\"" + text + "\" is not a path.", e);
    }
    throw new RefusedException("\"" + text + "\" is not an absolute path; begin it with a slash.");
  }

  static Duration leaseDuration(String text) {
    return duration(
        text, "24h", OverlayConfig.MIN_LEASE_DURATION, OverlayConfig.MAX_LEASE_DURATION);
  }

  static Duration etcdTimeout(String text) {
    return duration(text, "3s", Duration.ofSeconds(1), Duration.ofMinutes(5));
  }

  static Duration pathMtuLifetime(String text) {
    return duration(text, "10m", Duration.ofSeconds(1), Duration.ofDays(1));
  }

  private static Duration duration(String text, String example, Duration least, Duration most) {
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      throw new RefusedException(
          "\"%s\" is not a duration; write a number and s, m, h or d, such as %s."
              .formatted(text, example));
    }
    long number = Long.parseLong(matcher.group(1));
    Duration duration =
        switch (matcher.group(2)) {
          case "s" -> Duration.ofSeconds(number);
          case "m" -> Duration.ofMinutes(number);
          case "h" -> Duration.ofHours(number);
          default -> Duration.ofDays(number);
        };
    if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
      throw new RefusedException(
          "%s is out of range; write a duration from %ds to %dd, such as %s."
              .formatted(text, least.toSeconds(), most.toDays(), example));
    }
    return duration;
  }

  static SourcePorts sourcePorts(String text) {
    Matcher matcher = RANGE.matcher(text);
    if (!matcher.matches()) {
      throw new RefusedException(
          "\"" + text + "\" is not a range of ports; write one such as 49152-65535.");
    }
    int min = whole(matcher.group(1), 1, 65535);
    int max = whole(matcher.group(2), 1, 65535);
    if (min > max) {
      throw new RefusedException(
          "the range " + text + " ends before it begins; swap the two ports.");
    }
    return new SourcePorts(min, max);
  }

  static AgentConfig.Kind datapath(String text) {
    return switch (text) {
      case "ebpf" -> AgentConfig.Kind.EBPF;
      case "userspace" -> AgentConfig.Kind.USERSPACE;
      default -> throw new RefusedException("\"" + text + "\" is neither ebpf nor userspace.");
    };
  }

  static Decapsulation decapsulation(String text) {
    return switch (text) {
      case "auto" -> Decapsulation.AUTO;
      case "tc" -> Decapsulation.TC;
      case "xdp" -> Decapsulation.XDP;
      default -> throw new RefusedException("\"" + text + "\" is neither auto, tc nor xdp.");
    };
  }

  static boolean udpChecksum6(String text) {
    return switch (text) {
      case "zero" -> false;
      case "compute" -> true;
      default -> throw new RefusedException("\"" + text + "\" is neither zero nor compute.");
    };
  }

  static AgentConfig.Stop stop(String text) {
    return switch (text) {
      case "keep" -> AgentConfig.Stop.KEEP;
      case "leave" -> AgentConfig.Stop.LEAVE;
      default -> throw new RefusedException("\"" + text + "\" is neither keep nor leave.");
    };
  }

  /** Levenshtein's distance: how many letters to add, drop or change; case counts for nothing. */
  static int distance(String a, String b) {
    String from = a.toLowerCase(java.util.Locale.ROOT);
    String to = b.toLowerCase(java.util.Locale.ROOT);
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int change = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
