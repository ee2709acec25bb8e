// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.datapath.IpPrefix;
import java.net.InetAddress;
import java.util.regex.Pattern;

/**
 * How the configuration says which interface leads to the other hosts. All but names are looked up
 * on the machine when the agent starts, so that one file does for hosts that differ.
 */
public sealed interface UnderlayWish {
  /** By name. */
  record Named(AgentConfig.Underlay underlay) implements UnderlayWish {}

  /**
   * The first, in the kernel's order, whose whole name matches and that has an address to use.
   *
   * @param expression of java.util.regex; as text, since patterns are never equal
   */
  record Matching(String expression) implements UnderlayWish {
    /** Compiles it once to see whether it is one. */
    public Matching {
      Pattern _ = Pattern.compile(expression);
    }

    /** Whether an interface of that name is meant. */
    public boolean matches(String name) {
      return Pattern.matches(expression, name);
    }
  }

  /** The first that has an address within a network. */
  record Within(IpPrefix network) implements UnderlayWish {}

  /** The one that packets to an address leave by, with the address that they leave with. */
  record Toward(InetAddress address) implements UnderlayWish {}
}
