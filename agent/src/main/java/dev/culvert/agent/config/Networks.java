// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The keys {@code network}, {@code subnetLength} and {@code subnet}, for one network of either IP
 * family, and the same with a 6 behind, for an IPv6 network besides or alone.
 */
final class Networks {
  private Networks() {}

  /** One, or one of each family, IPv4 first. */
  static List<OverlayConfig.Network> read(Section root) {
    Optional<IpPrefix> network = root.prefix("network");
    Optional<IpPrefix> network6 = root.prefix("network6");
    if (network6.isEmpty()) {
      forbid(root, "subnetLength6", "subnet6");
      IpPrefix alone = network.orElseThrow(() -> root.missing("network", "network: 10.244.0.0/16"));
      return List.of(read(root, "", alone));
    }
    if (network6.get().family() == IpFamily.IPV4) {
      throw root.problem("network6", network6.get() + " is IPv4; write it as network.");
    }
    List<OverlayConfig.Network> all = new ArrayList<>();
    if (network.isPresent()) {
      if (network.get().family() == IpFamily.IPV6) {
        throw root.problem(
            "network",
            "is IPv6 too; there is one network of each IP family: remove one of the two.");
      }
      all.add(read(root, "", network.get()));
    } else {
      forbid(root, "subnetLength", "subnet");
    }
    all.add(read(root, "6", network6.get()));
    return all;
  }

  private static void forbid(Section root, String... keys) {
    for (String key : keys) {
      if (root.value(key, text -> text).isPresent()) {
        String network = key.endsWith("6") ? "network6" : "network";
        throw root.problem(key, "belongs to a " + network + ", but there is none; add one.");
      }
    }
  }

  private static OverlayConfig.Network read(Section root, String suffix, IpPrefix network) {
    int longest = OverlayConfig.Network.longestSubnet(network);
    if (network.length() > longest) {
      throw root.problem(
          "network" + suffix,
          "%s has no room for containers; choose a larger one, such as %s."
              .formatted(
                  network, network.family() == IpFamily.IPV4 ? "10.244.0.0/16" : "fd00:244::/48"));
    }
    int usual = OverlayConfig.Network.of(network).subnetLength();
    int length = root.whole("subnetLength" + suffix, usual, network.length(), longest);
    return new OverlayConfig.Network(network, length, subnet(root, suffix, network, length));
  }

  private static Optional<IpPrefix> subnet(
      Section root, String suffix, IpPrefix network, int length) {
    String key = "subnet" + suffix;
    Optional<IpPrefix> subnet = root.prefix(key);
    subnet.ifPresent(prefix -> {
      if (!network.contains(prefix.address())) {
        throw root.problem(
            key, prefix + " is outside the network " + network + "; choose one inside.");
      }
      if (prefix.length() != length) {
        throw root.problem(
            key,
            "%s has length %d, but subnetLength%s is %d; make the two equal."
                .formatted(prefix, prefix.length(), suffix, length));
      }
    });
    return subnet;
  }
}
