// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.GenericNetlink;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where outer headers come off on one interface, and why there.
 *
 * @param where {@link Decapsulation#TC} or {@link Decapsulation#XDP}
 * @param why a sentence's end: "... because WHY"
 */
public record DecapsulationChoice(Decapsulation where, String why) {
  /** Checks that all is there. */
  public DecapsulationChoice {
    Objects.requireNonNull(where, "where");
    Objects.requireNonNull(why, "why");
  }

  // NETDEV_XDP_ACT_* of linux/netdev.h
  private static final long BASIC = 1;
  private static final long RX_FRAGMENTS = 32;

  /**
   * A page, less XDP's headroom (256), the kernel's struct skb_shared_info (320), Ethernet header
   * and one VLAN tag: larger frames take a driver that hands XDP several pages.
   */
  private static final int ONE_PAGE_MTU_BYTES = 4096 - 256 - 320 - 18;

  /**
   * What {@link Decapsulation#AUTO} means for an interface. Pure. That a driver has XDP does not
   * say that it takes a program now (LRO, rings, queues): attaching tells.
   *
   * @param features bits NETDEV_XDP_ACT_*, empty when the kernel does not tell
   */
  static DecapsulationChoice of(LinkInfo underlay, OptionalLong features) {
    String name = underlay.name();
    if (underlay.kind().equals("veth")) {
      return tc(name + " is a veth, where XDP copies each packet");
    }
    if (features.isEmpty()) {
      return tc("this kernel does not say what " + name + "'s driver can do (6.3 and later do)");
    }
    if ((features.getAsLong() & BASIC) == 0) {
      return tc(
          (underlay.kind().isEmpty()
                  ? "the driver of " + name
                  : name + ", a " + underlay.kind() + ",")
              + " has no native XDP");
    }
    if (underlay.mtuBytes() > ONE_PAGE_MTU_BYTES && (features.getAsLong() & RX_FRAGMENTS) == 0) {
      return tc(
          "the MTU of "
              + name
              + ", "
              + underlay.mtuBytes()
              + ", is more than the "
              + ONE_PAGE_MTU_BYTES
              + " that its driver takes at XDP");
    }
    return new DecapsulationChoice(
        Decapsulation.XDP, "the driver of " + name + " runs XDP natively");
  }

  static DecapsulationChoice tc(String why) {
    return new DecapsulationChoice(Decapsulation.TC, why);
  }

  /** What {@link Decapsulation#AUTO} means for an interface, as far as the kernel tells. */
  static DecapsulationChoice of(LinkInfo underlay, Optional<GenericNetlink> netlink) {
    try {
      return of(
          underlay,
          netlink.isPresent() ? netlink.get().xdpFeatures(underlay.index()) : OptionalLong.empty());
    } catch (KernelException e) {
      return tc("the kernel does not say what " + underlay.name() + " can do: " + e.getMessage());
    }
  }

  /**
   * What {@link Decapsulation#AUTO} would choose for an interface of this thread's namespace.
   * Changes nothing.
   *
   * @param libc the way to the kernel
   * @param interfaceName of an underlay, such as {@code ens3}
   * @return empty when there is no such interface
   * @throws KernelException when the kernel cannot be asked
   */
  public static Optional<DecapsulationChoice> preview(Libc libc, InterfaceName interfaceName) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(interfaceName, "interfaceName");
    try (Netlink links = Netlink.open(libc)) {
      Optional<LinkInfo> underlay = links.link(interfaceName);
      if (underlay.isEmpty()) {
        return Optional.empty();
      }
      try (GenericNetlink netlink = GenericNetlink.open(libc)) {
        return Optional.of(of(underlay.get(), Optional.of(netlink)));
      }
    }
  }
}
