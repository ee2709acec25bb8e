// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * How we know the devices that this instance created: by their alias, {@code culvert:INSTANCE} or
 * {@code culvert:INSTANCE:WHAT}, where WHAT is the name that the device was made with, or of a
 * container's pair its {@link ContainerText}. Pairs of older versions, and those whose namespace
 * has too long a path, have {@code NETNS} alone.
 */
public record Ownership(String instance) {
  /** Below IFALIASZ (256, linux/if.h), which counts the closing zero. */
  private static final int MAX_ALIAS_BYTES = 255;

  public String alias() {
    return "culvert:" + instance;
  }

  public String alias(String what) {
    byte[] bytes = bytes(what);
    return new String(
        Arrays.copyOf(bytes, Math.min(bytes.length, MAX_ALIAS_BYTES)), StandardCharsets.UTF_8);
  }

  /**
   * The alias of a container's pair.
   *
   * @throws RefusedException when namespace and label are too long to be kept both
   */
  public String alias(ContainerEnd container) {
    String what = ContainerText.of(container);
    int bytes = bytes(what).length;
    if (bytes <= MAX_ALIAS_BYTES) {
      return alias(what);
    }
    Optional<ContainerLabel> label = container.label();
    if (label.isPresent()) {
      throw new RefusedException(
          "The label "
              + label.get()
              + " cannot be kept with the interface "
              + container
              + ": together they take "
              + bytes
              + " bytes of an alias, and "
              + MAX_ALIAS_BYTES
              + " is the most; use a shorter path or label.");
    }
    return alias(container.netns().toString());
  }

  private byte[] bytes(String what) {
    return (alias() + ":" + what).getBytes(StandardCharsets.UTF_8);
  }

  /** What was said in {@link #alias(String)}; empty for a device that was made without. */
  public Optional<String> what(LinkInfo link) {
    return Optional.ofNullable(link.alias()).flatMap(this::what);
  }

  /** The same of an alias alone. */
  private Optional<String> what(String alias) {
    String before = alias() + ":";
    return alias.startsWith(before)
        ? Optional.of(alias.substring(before.length()))
        : Optional.empty();
  }

  /** For whom a pair was made; empty where its alias does not say all of it. */
  public Optional<ContainerEnd> container(String alias) {
    return what(alias).flatMap(ContainerText::parse);
  }

  /** The namespace that a pair was made for. */
  public Optional<Path> netns(String alias) {
    return container(alias).map(ContainerEnd::netns).or(() -> what(alias).map(Path::of));
  }

  /** The same of a device, if it has an alias of ours. */
  public Optional<Path> netns(LinkInfo link) {
    return Optional.ofNullable(link.alias()).flatMap(this::netns);
  }

  public boolean owns(LinkInfo link) {
    return link.alias() != null
        && (link.alias().equals(alias()) || link.alias().startsWith(alias() + ":"));
  }
}
