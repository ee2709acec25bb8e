// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;
import java.util.Objects;

/**
 * What a caller calls a container, so that it knows it again after a restart: a container runtime's
 * identifier, or {@code namespace/pod}. Nothing but the caller reads a meaning into it.
 *
 * @param text 1 to {@value #MAX_LENGTH} visible ASCII characters, none of them a colon
 */
public record ContainerLabel(String text) {
  /** What the identifiers of containers need, which are 32 bytes in hexadecimal. */
  public static final int MAX_LENGTH = 64;

  /**
   * Checks the text: it is part of the interface's alias, where colons part one from another.
   *
   * @throws RefusedException for a text that cannot be a label
   */
  public ContainerLabel {
    Objects.requireNonNull(text, "text");
    if (text.isEmpty()
        || text.length() > MAX_LENGTH
        || !text.chars().allMatch(c -> c > ' ' && c < 0x7f && c != ':')) {
      throw new RefusedException(
          "\""
              + text
              + "\" cannot be a container's label: use 1 to "
              + MAX_LENGTH
              + " visible ASCII characters without a colon.");
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
