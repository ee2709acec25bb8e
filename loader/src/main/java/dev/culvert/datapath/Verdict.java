// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

/** A packet's named end; mirrors enum verdict in bpf/src/verdict.h, where each is explained. */
public enum Verdict {
  /** Not overlay traffic, left to the stack. */
  PASSED("not overlay traffic, left to the stack"),
  /** Overlay traffic left to the kernel's own device. */
  SLOW_PATH("overlay traffic left to the kernel's own device"),
  /** Container to container on this host. */
  DELIVERED_LOCALLY("container to container on this host"),
  /** To another host, in VXLAN. */
  ENCAPSULATED("to another host, in VXLAN"),
  /** To another host on the same link, as it is. */
  ROUTED_DIRECTLY("to another host on the same link, as it is"),
  /** From another host, out of VXLAN. */
  DECAPSULATED("from another host, out of VXLAN"),
  /** From another host on the same link, as it was. */
  RECEIVED_DIRECTLY("from another host on the same link, as it was"),
  /** A header ends early or contradicts itself. */
  DROPPED_MALFORMED("a header ends early or contradicts itself"),
  /** A container sent from an address that is not its own. */
  DROPPED_INNER_SOURCE("a container sent from an address that is not its own"),
  /** A container sent from a MAC that is not its own. */
  DROPPED_INNER_MAC("a container sent from a MAC that is not its own"),
  /** The sender is not the VTEP that owns the inner source's subnet. */
  DROPPED_OUTER_SOURCE("the sender is not the VTEP that owns the inner source's subnet"),
  /** Tunnel packet of a network that this host does not serve. */
  DROPPED_UNKNOWN_VNI("tunnel packet of a network that this host does not serve"),
  /** No container has the inner destination. */
  DROPPED_NO_ENDPOINT("no container has the inner destination"),
  /** The inner destination is not in a subnet of this host. */
  DROPPED_NOT_LOCAL("the inner destination is not in a subnet of this host"),
  /** Larger than the way to that VTEP carries. */
  DROPPED_TOO_BIG("larger than the way to that VTEP carries"),
  /** The VTEP is known, but there is no route to it at present. */
  DROPPED_UNREACHABLE("the VTEP is known, but there is no route to it at present"),
  /** A container sent tunnel packets of its own. */
  DROPPED_TUNNEL_FROM_CONTAINER("a container sent tunnel packets of its own"),
  /** The kernel could not make room for headers. */
  DROPPED_NO_MEMORY("the kernel could not make room for headers"),
  /** The inner destination is in the network, but no host leases its subnet. */
  DROPPED_NO_SUBNET("the inner destination is in the network, but no host leases its subnet"),
  /** Marked "congestion experienced" outside, not ECN-capable inside (RFC 6040). */
  DROPPED_CONGESTION_LOST(
      "marked \"congestion experienced\" outside, not ECN-capable inside (RFC 6040)"),
  /** A VLAN tag where none may be. */
  DROPPED_VLAN("a VLAN tag where none may be"),
  /** A container advertised itself as router, or redirected neighbours. */
  DROPPED_ROUTER_ADVERTISEMENT("a container advertised itself as router, or redirected neighbours");

  private final String meaning;

  Verdict(String meaning) {
    this.meaning = meaning;
  }

  /** {@return a few words for people: no sentence, no stop} */
  public String meaning() {
    return meaning;
  }

  /** {@return whether the packet went no further} */
  public boolean isDrop() {
    return compareTo(DROPPED_MALFORMED) >= 0;
  }
}
