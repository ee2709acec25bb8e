// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.host.UnderlayInterface;
import dev.culvert.datapath.host.WaysOut;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.Link;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The interfaces that tunnel packets come in through: those that the configuration names, and those
 * that next hops lead through. from_underlay runs on each; the first has the VTEP's address. For
 * the loopback interface stand the host's ways out: on that itself the program would take what the
 * host sends to its own addresses for forged.
 */
final class Underlays {
  /** What tells the pin of an interface from that of the first; its index follows. */
  private static final String WHERE = "under";

  private final Netlink netlink;
  private final PinnedLinks links;
  private final EbpfConfig config;

  /** Where the program runs, as far as this instance has seen to it. */
  private final Set<Integer> reached = new HashSet<>();

  Underlays(Netlink netlink, PinnedLinks links, EbpfConfig config) {
    this.netlink = netlink;
    this.links = links;
    this.config = config;
  }

  /**
   * The first interface.
   *
   * @throws RefusedException when there is none of that name
   */
  LinkInfo first() {
    return named(config.underlay());
  }

  /**
   * The one that takes the least of those that the configuration names.
   *
   * @throws RefusedException when one of them is not there
   */
  LinkInfo narrowest() {
    return configured().stream()
        .map(link -> WaysOut.narrowest(netlink, link))
        .min(Comparator.comparingInt(LinkInfo::mtuBytes))
        .orElseThrow();
  }

  private List<LinkInfo> configured() {
    List<LinkInfo> all = new ArrayList<>(List.of(first()));
    config.moreUnderlays().forEach(name -> all.add(named(name)));
    return all;
  }

  private LinkInfo named(InterfaceName name) {
    return UnderlayInterface.find(netlink, name);
  }

  /**
   * Runs the program on the configured interfaces, and takes it off those that neither the
   * configuration nor next hops name any more.
   *
   * @param nextHops interfaces that entries lead through
   */
  void attach(Programs programs, Set<Integer> nextHops) {
    int first = first().index();
    Set<Integer> wanted = new HashSet<>(nextHops);
    looked().forEach(link -> wanted.add(link.index()));
    links.detachOthers(
        ProgramNames.FROM_UNDERLAY,
        WHERE,
        wanted.stream()
            .filter(index -> index != first)
            .map(Underlays::where)
            .collect(Collectors.toSet()));
    if (WaysOut.isLoopback(first())) {
      // The interface that was the first before may be a way out: the kernel runs no program twice.
      links.detach(ProgramNames.FROM_UNDERLAY);
    }
    reached.clear();
    follow(programs);
    nextHops.forEach(index -> reach(index, programs));
  }

  /**
   * Runs the program on configured interfaces that were made anew, and again where somebody took it
   * off.
   */
  void follow(Programs programs) {
    LinkInfo first = first();
    Set<Integer> before = Set.copyOf(reached);
    reached.clear(); // each link is looked at again
    if (!WaysOut.isLoopback(first)) {
      runOnFirst(first.index(), programs);
    }
    looked().forEach(link -> reach(link.index(), programs));
    before.forEach(index -> reach(index, programs));
  }

  /** What the program runs on whatever next hops there are. */
  private List<LinkInfo> looked() {
    return configured().stream()
        .flatMap(link -> WaysOut.isLoopback(link) ? WaysOut.of(netlink).stream() : Stream.of(link))
        .toList();
  }

  /**
   * Sees to it that what comes in through an interface is looked at. One that is gone is no error.
   */
  void reach(int interfaceIndex, Programs programs) {
    if (reached.contains(interfaceIndex) || netlink.link(interfaceIndex).isEmpty()) {
      return;
    }
    run(where(interfaceIndex), interfaceIndex, programs);
  }

  /**
   * One that has just got the first's name may have been a way out: the program runs there already,
   * which the kernel allows once, and so it stays as it is until the next start.
   */
  private void runOnFirst(int interfaceIndex, Programs programs) {
    String wayOut = PinnedLinks.name(ProgramNames.FROM_UNDERLAY, where(interfaceIndex));
    if (links.interfaceIndex(wayOut).filter(index -> index == interfaceIndex).isPresent()) {
      links.detach(ProgramNames.FROM_UNDERLAY);
      reached.add(interfaceIndex);
    } else {
      run("", interfaceIndex, programs);
    }
  }

  private void run(String where, int interfaceIndex, Programs programs) {
    if (!reached.contains(interfaceIndex)) {
      links.keep(
          where,
          programs.object().program(ProgramNames.FROM_UNDERLAY),
          interfaceIndex,
          Link.Direction.INGRESS);
      reached.add(interfaceIndex);
    }
  }

  /** By index, since an interface's name may hold a dot, which a pin's name must not. */
  private static String where(int interfaceIndex) {
    return WHERE + interfaceIndex;
  }
}
