// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.List;
import java.util.function.Supplier;

/**
 * Strict reverse path filtering on the underlay, which is the host's administrator's to set. The
 * kernel then takes an IPv4 packet only from where its answer would go: the host's own answers to
 * containers go to {@code culvert0}, and what hosts route directly comes from the underlay.
 */
public final class ReversePath {
  private static final int STRICT = 1;

  private final Netlink netlink;

  public ReversePath(Netlink netlink) {
    this.netlink = netlink;
  }

  /**
   * What strict filtering takes away.
   *
   * @param interfaces of the underlay
   * @param direct those of them that hosts are routed directly over; asked only where one is strict
   * @return a sentence for each interface that loses packets
   */
  public List<String> losses(List<LinkInfo> interfaces, Supplier<List<Integer>> direct) {
    List<LinkInfo> strict =
        netlink
            .namespace()
            .run(() -> interfaces.stream().filter(link -> isStrict(link.name())).toList());
    if (strict.isEmpty()) {
      return List.of();
    }
    List<Integer> used = direct.get();
    return strict.stream()
        .filter(link -> used.contains(link.index()))
        .map(link -> sentence(link.name()))
        .toList();
  }

  private static String sentence(String device) {
    return "Reverse path filtering of "
        + device
        + " is strict (rp_filter 1), and hosts are routed directly over it: IPv4 packets between this"
        + " host itself and their containers are lost. Run \"sysctl -w net.ipv4.conf."
        + device
        + ".rp_filter=2\".";
  }

  /** The larger of a device's and of all devices' counts (Documentation/networking/ip-sysctl). */
  private static boolean isStrict(String device) {
    return Math.max(
            DeviceSettings.number("all", "rp_filter"), DeviceSettings.number(device, "rp_filter"))
        == STRICT;
  }
}
