// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.util.Optional;

/**
 * A rule for packets that leave the host, of a {@link NatTable}. The first that fits decides.
 *
 * @param device that they leave by; empty for any
 * @param source empty for any
 * @param destination of the same family as the source; empty for any
 * @param masquerade whether they get an address of the interface that they leave by; else they are
 *     left as they are
 */
public record NatRule(
    Optional<String> device,
    Optional<Prefix> source,
    Optional<Prefix> destination,
    boolean masquerade) {
  /** All addresses that begin with the same bits; those behind them are 0. */
  public record Prefix(InetAddress address, int length) {
    @Override
    public String toString() {
      return IpAddresses.text(address) + "/" + length;
    }
  }

  /** What leaves by a device is left as it is. */
  public static NatRule spareDevice(String device) {
    return new NatRule(Optional.of(device), Optional.empty(), Optional.empty(), false);
  }

  /** What goes from here to there is left as it is. */
  public static NatRule spare(Prefix from, Prefix to) {
    return new NatRule(Optional.empty(), Optional.of(from), Optional.of(to), false);
  }

  /** What comes from there gets the host's address. */
  public static NatRule masquerade(Prefix from) {
    return new NatRule(Optional.empty(), Optional.of(from), Optional.empty(), true);
  }

  /** Stands with the rule in the kernel, and tells it from any other. */
  String comment() {
    StringBuilder text = new StringBuilder("culvert:");
    device.ifPresent(name -> text.append(" by ").append(name));
    source.ifPresent(from -> text.append(" from ").append(from));
    destination.ifPresent(to -> text.append(" to ").append(to));
    return text.append(masquerade ? " as the host" : " as it is").toString();
  }
}
