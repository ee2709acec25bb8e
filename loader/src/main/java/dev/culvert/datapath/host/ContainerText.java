// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/** A {@link ContainerEnd} on one line: {@code NETNS:INTERFACE:LABEL}, the label perhaps empty. */
public final class ContainerText {
  /** Neither names of interfaces nor labels hold colons; a path may. */
  private static final Pattern TEXT = Pattern.compile("(.+):([^:]+):([!-9;-~]{0,64})");

  private ContainerText() {}

  public static String of(ContainerEnd container) {
    return container.netns()
        + ":"
        + container.interfaceName()
        + ":"
        + container.label().map(ContainerLabel::text).orElse("");
  }

  /** Reads {@link #of}; empty for anything else. */
  public static Optional<ContainerEnd> parse(String text) {
    return Optional.of(TEXT.matcher(text))
        .filter(parts -> parts.matches() && InterfaceName.isValid(parts.group(2)))
        .map(parts ->
            new ContainerEnd(
                Path.of(parts.group(1)),
                new InterfaceName(parts.group(2)),
                Optional.of(parts.group(3))
                    .filter(label -> !label.isEmpty())
                    .map(ContainerLabel::new)));
  }
}
