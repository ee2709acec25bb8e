// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.netlink.GenericNetlink;
import dev.culvert.kernel.netlink.LinkInfo;
import java.util.Optional;

/**
 * Keeps {@code strip_at_xdp} on the underlay interface, or off it. Either way {@code from_underlay}
 * delivers at tc, so a packet on its way during a change meets a program that knows both kinds.
 * Owned by one thread.
 */
final class Decapsulator implements AutoCloseable {
  private final PinnedLinks links;
  private final Decapsulation wanted;
  private final Optional<GenericNetlink> netlink;

  /** The interface as it was when its driver refused the program: it is not asked twice. */
  private record Refusal(int index, int mtuBytes, DecapsulationChoice instead) {
    boolean isAbout(LinkInfo underlay) {
      return index == underlay.index() && mtuBytes == underlay.mtuBytes();
    }
  }

  private Optional<Refusal> refusal = Optional.empty();
  private volatile Optional<DecapsulationChoice> choice = Optional.empty();

  private Decapsulator(PinnedLinks links, Decapsulation wanted, Optional<GenericNetlink> netlink) {
    this.links = links;
    this.wanted = wanted;
    this.netlink = netlink;
  }

  /** For the network namespace of the calling thread. */
  static Decapsulator open(Libc libc, PinnedLinks links, Decapsulation wanted) {
    return new Decapsulator(
        links,
        wanted,
        wanted == Decapsulation.AUTO ? Optional.of(GenericNetlink.open(libc)) : Optional.empty());
  }

  /** What is done now; empty before the first {@link #follow}. Any thread may ask. */
  Optional<DecapsulationChoice> choice() {
    return choice;
  }

  /** Makes it so on the interface as it is now. */
  void follow(LinkInfo underlay, BpfProgram strip) {
    DecapsulationChoice now = choose(underlay);
    if (now.where() == Decapsulation.XDP) {
      now = attach(underlay, strip, now);
    } else {
      links.detach(strip.name());
    }
    choice = Optional.of(now);
  }

  private DecapsulationChoice choose(LinkInfo underlay) {
    if (wanted != Decapsulation.AUTO) {
      return new DecapsulationChoice(wanted, "the configuration says so");
    }
    return refusal
        .filter(refused -> refused.isAbout(underlay))
        .map(Refusal::instead)
        .orElseGet(() -> DecapsulationChoice.of(underlay, netlink));
  }

  private DecapsulationChoice attach(LinkInfo underlay, BpfProgram strip, DecapsulationChoice xdp) {
    if (wanted != Decapsulation.AUTO) {
      links.ensureXdp(strip, underlay.index());
      return xdp;
    }
    try {
      links.ensureNativeXdp(strip, underlay.index());
      return xdp;
    } catch (KernelException refused) {
      DecapsulationChoice instead =
          DecapsulationChoice.tc(
              underlay.name()
                  + " did not take the XDP program (large receive offload, too few queues?): "
                  + refused.getMessage());
      refusal = Optional.of(new Refusal(underlay.index(), underlay.mtuBytes(), instead));
      return instead;
    }
  }

  @Override
  public void close() {
    netlink.ifPresent(GenericNetlink::close);
  }
}
