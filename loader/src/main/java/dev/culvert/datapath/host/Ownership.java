// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.netlink.LinkInfo;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How we know the devices that this instance created: by their alias, {@code culvert:INSTANCE} or
 * {@code culvert:INSTANCE:WHAT}, where WHAT is the name that the device was made with, or of a
 * container's pair {@code NETNS:INTERFACE:LABEL}, the label perhaps empty. Pairs of older versions,
 * and those whose namespace has too long a path, have {@code NETNS} alone.
 */
public record Ownership(String instance) {
  /** Below IFALIASZ (256, linux/if.h), which counts the closing zero. */
  private static final int MAX_ALIAS_BYTES = 255;

  /** Neither names of interfaces nor labels hold colons; a path may. */
  private static final Pattern CONTAINER = Pattern.compile("(.+):([^:]+):([!-9;-~]{0,64})");

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
    String label = container.label().map(ContainerLabel::text).orElse("");
    String what = container.netns() + ":" + container.interfaceName() + ":" + label;
    int bytes = bytes(what).length;
    if (bytes <= MAX_ALIAS_BYTES) {
      return alias(what);
    }
    if (container.label().isPresent()) {
      throw new RefusedException(
          "The label "
              + label
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
    return what(alias)
        .map(CONTAINER::matcher)
        .filter(parts -> parts.matches() && InterfaceName.isValid(parts.group(2)))
        .map(parts ->
            new ContainerEnd(
                Path.of(parts.group(1)),
                new InterfaceName(parts.group(2)),
                Optional.of(parts.group(3))
                    .filter(text -> !text.isEmpty())
                    .map(ContainerLabel::new)));
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
