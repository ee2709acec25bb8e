// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.kernel.netlink.LinkInfo;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * How we know the devices that this instance created: by their alias, {@code culvert:INSTANCE} or
 * {@code culvert:INSTANCE:WHAT}, where WHAT is a container's namespace, or the name that the device
 * was made with.
 */
public record Ownership(String instance) {
  /** Below IFALIASZ (256, linux/if.h), which counts the closing zero. */
  private static final int MAX_ALIAS_BYTES = 255;

  public String alias() {
    return "culvert:" + instance;
  }

  public String alias(String what) {
    byte[] bytes = (alias() + ":" + what).getBytes(StandardCharsets.UTF_8);
    return new String(
        Arrays.copyOf(bytes, Math.min(bytes.length, MAX_ALIAS_BYTES)), StandardCharsets.UTF_8);
  }

  /** What was said in {@link #alias(String)}; empty for a device that was made without. */
  public Optional<String> what(LinkInfo link) {
    return Optional.ofNullable(link.alias()).flatMap(this::what);
  }

  /** The same of an alias alone. */
  public Optional<String> what(String alias) {
    String before = alias() + ":";
    return alias.startsWith(before)
        ? Optional.of(alias.substring(before.length()))
        : Optional.empty();
  }

  public boolean owns(LinkInfo link) {
    return link.alias() != null
        && (link.alias().equals(alias()) || link.alias().startsWith(alias() + ":"));
  }
}
