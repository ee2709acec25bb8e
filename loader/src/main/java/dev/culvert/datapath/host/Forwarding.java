// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.Ipv6Settings;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Lets the kernel forward what comes in through an interface. For IPv4 that is a setting of each
 * interface. IPv6 has one from Linux 6.17 on ({@code force_forwarding}); before, only that of all
 * interfaces counts, which changes what the whole host does with router advertisements and is
 * therefore its administrator's.
 */
public final class Forwarding {
  private static final Path SETTINGS = Path.of("/proc/sys/net");

  private final NetNamespace namespace;
  private final Netlink netlink;

  public Forwarding(NetNamespace namespace, Netlink netlink) {
    this.namespace = namespace;
    this.netlink = netlink;
  }

  /**
   * Refuses networks whose packets this host's kernel would not forward.
   *
   * @throws RefusedException for an IPv6 network where neither way is open
   */
  public void requirePossible(List<IpPrefix> networks) {
    if (networks.stream().allMatch(network -> network.family() == IpFamily.IPV4)
        || hasIpv6ByInterface()
        || everywhere6()) {
      return;
    }
    throw new RefusedException(
        "This kernel forwards IPv6 only between all interfaces or none (before Linux 6.17), and now"
            + " between none, so a host without eBPF cannot carry the network "
            + networks.getLast()
            + ": run \"sysctl -w "
            + Fixture.Knob.FORWARDING_EVERYWHERE
            + "=1\", or configure no IPv6 network.");
  }

  /** Whether what comes in through an interface is forwarded. */
  boolean isOn(String interfaceName, IpFamily family) {
    return switch (family) {
      case IPV4 -> isSet(setting("ipv4", interfaceName, "forwarding"));
      case IPV6 ->
          everywhere6() || isSet(setting("ipv6", interfaceName, Ipv6Settings.FORCE_FORWARDING));
    };
  }

  public void turn(LinkInfo link, IpFamily family, boolean on) {
    if (family == IpFamily.IPV4) {
      netlink.setIpv4Forwarding(link.index(), on);
    } else if (hasIpv6ByInterface()) {
      new Ipv6Settings(namespace).set(link.name(), Ipv6Settings.FORCE_FORWARDING, on ? 1 : 0);
    }
  }

  private boolean everywhere6() {
    return isSet(setting("ipv6", "all", "forwarding"));
  }

  boolean hasIpv6ByInterface() {
    Path any = setting("ipv6", "all", Ipv6Settings.FORCE_FORWARDING);
    return namespace.run(() -> Files.exists(any));
  }

  private static Path setting(String family, String interfaceName, String name) {
    return SETTINGS.resolve(family).resolve("conf").resolve(interfaceName).resolve(name);
  }

  /** A setting that the kernel does not have is not set. */
  private boolean isSet(Path setting) {
    return namespace.run(() -> {
      try {
        return Files.exists(setting) && Files.readString(setting).strip().equals("1");
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot tell whether packets are forwarded", e);
      }
    });
  }
}
