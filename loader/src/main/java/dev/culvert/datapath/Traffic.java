// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.util.Objects;

/**
 * Both directions between this host and one other party, a VTEP or a container.
 *
 * @param sent by this host to the VTEP, or by the container
 * @param received by this host from the VTEP, or by the container
 */
public record Traffic(Counter sent, Counter received) {
  /** Checks that all is there. */
  public Traffic {
    Objects.requireNonNull(sent, "sent");
    Objects.requireNonNull(received, "received");
  }

  /** Nothing, either way. */
  public static final Traffic NONE = new Traffic(new Counter(0, 0), new Counter(0, 0));
}
