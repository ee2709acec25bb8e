// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import dev.culvert.kernel.RefusedException;
import java.util.List;
import java.util.Objects;

/**
 * That what containers send to addresses outside of the overlay's networks leaves this host with
 * the host's own address, so that it is answered. What they send to each other is never translated.
 *
 * @param except destinations outside of the networks that see containers' own addresses all the
 *     same, such as those of a data centre that has routes to the containers; of either IP family;
 *     unmodifiable
 */
public record Masquerade(List<IpPrefix> except) {
  /** The kernel goes through them one by one with each new connection. */
  public static final int MAX_EXCEPTIONS = 64;

  /** Without exceptions. */
  public static final Masquerade ALL = new Masquerade(List.of());

  /**
   * Copies the exceptions, each once.
   *
   * @throws RefusedException for more than {@link #MAX_EXCEPTIONS}
   */
  public Masquerade {
    Objects.requireNonNull(except, "except");
    except = except.stream().distinct().sorted().toList();
    if (except.size() > MAX_EXCEPTIONS) {
      throw new RefusedException(
          "Masquerade has at most "
              + MAX_EXCEPTIONS
              + " exceptions, not "
              + except.size()
              + "; write fewer, larger prefixes.");
    }
  }
}
