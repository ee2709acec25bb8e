// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.host.ContainerText;
import dev.culvert.datapath.host.Undo;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.bpf.Link;
import java.util.Optional;

/**
 * The two programs on an interface that leads to containers: from_container judges and sends what
 * they send, to_container sees what the host's stack, and not we, sends to them. Beside them lies,
 * for an interface that somebody else made, a note for whom it was let in: its alias is not ours.
 */
final class ContainerLinks {
  /** Both, as loaded. */
  record Pair(BpfProgram from, BpfProgram to) {
    static Pair of(Programs programs) {
      return new Pair(
          programs.object().program(ProgramNames.FROM_CONTAINER),
          programs.object().program(ProgramNames.TO_CONTAINER));
    }
  }

  private final PinnedLinks links;

  ContainerLinks(PinnedLinks links) {
    this.links = links;
  }

  /** All or nothing; see {@link PinnedLinks#ensure}. */
  void attach(String where, Pair programs, int interfaceIndex, Undo undo) {
    links.ensure(where, programs.from(), interfaceIndex, Link.Direction.INGRESS);
    undo.push(() -> detach(where));
    links.ensure(where, programs.to(), interfaceIndex, Link.Direction.EGRESS);
  }

  /** Attaches what somebody took off. */
  void keep(String where, Pair programs, int interfaceIndex) {
    links.keep(where, programs.from(), interfaceIndex, Link.Direction.INGRESS);
    links.keep(where, programs.to(), interfaceIndex, Link.Direction.EGRESS);
  }

  /** Whether the pins say that the program is on that interface, whatever else it has become. */
  boolean isOn(String where, int interfaceIndex) {
    return links
        .interfaceIndex(PinnedLinks.name(ProgramNames.FROM_CONTAINER, where))
        .filter(index -> index == interfaceIndex)
        .isPresent();
  }

  /** Whether what containers send there is looked at. */
  boolean isOn(String where) {
    return links.interfaceIndex(PinnedLinks.name(ProgramNames.FROM_CONTAINER, where)).isPresent();
  }

  /** Notes for whom the interface was let in, until it is detached. */
  void note(String where, ContainerEnd container, Undo undo) {
    undo.push(() -> links.pins().deleteNote(where));
    links.pins().setNote(where, ContainerText.of(container));
  }

  Optional<ContainerEnd> noted(String where) {
    return links.pins().note(where).flatMap(ContainerText::parse);
  }

  void detach(String where) {
    links.pins().deleteNote(where);
    links.detach(PinnedLinks.name(ProgramNames.FROM_CONTAINER, where));
    links.detach(PinnedLinks.name(ProgramNames.TO_CONTAINER, where));
  }

  /** Gives every interface that has one of them the other, which an older agent did not know. */
  void complete(Pair programs) {
    links
        .interfaces(ProgramNames.FROM_CONTAINER)
        .forEach(
            (where, index) -> links.ensure(where, programs.to(), index, Link.Direction.EGRESS));
  }
}
