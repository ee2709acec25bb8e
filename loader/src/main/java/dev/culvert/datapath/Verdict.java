// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

/** A packet's named end; mirrors enum verdict in bpf/src/verdict.h, where each is explained. */
public enum Verdict {
  PASSED("not overlay traffic, left to the stack"),
  SLOW_PATH("overlay traffic left to the kernel's own device"),
  DELIVERED_LOCALLY("container to container on this host"),
  ENCAPSULATED("to another host, in VXLAN"),
  ROUTED_DIRECTLY("to another host on the same link, as it is"),
  DECAPSULATED("from another host, out of VXLAN"),
  RECEIVED_DIRECTLY("from another host on the same link, as it was"),
  DROPPED_MALFORMED("a header ends early or contradicts itself"),
  DROPPED_INNER_SOURCE("a container sent from an address that is not its own"),
  DROPPED_INNER_MAC("a container sent from a MAC that is not its own"),
  DROPPED_OUTER_SOURCE("the sender is not the VTEP that owns the inner source's subnet"),
  DROPPED_UNKNOWN_VNI("tunnel packet of a network that this host does not serve"),
  DROPPED_NO_ENDPOINT("no container has the inner destination"),
  DROPPED_NOT_LOCAL("the inner destination is not in a subnet of this host"),
  DROPPED_TOO_BIG("larger than the way to that VTEP carries"),
  DROPPED_UNREACHABLE("the VTEP is known, but there is no route to it at present"),
  DROPPED_TUNNEL_FROM_CONTAINER("a container sent tunnel packets of its own"),
  DROPPED_NO_MEMORY("the kernel could not make room for headers"),
  DROPPED_NO_SUBNET("the inner destination is in the network, but no host leases its subnet"),
  DROPPED_CONGESTION_LOST(
      "marked \"congestion experienced\" outside, not ECN-capable inside (RFC 6040)"),
  DROPPED_VLAN("a VLAN tag where none may be"),
  DROPPED_ROUTER_ADVERTISEMENT("a container advertised itself as router, or redirected neighbours");

  private final String meaning;

  Verdict(String meaning) {
    this.meaning = meaning;
  }

  /** A few words for people. */
  public String meaning() {
    return meaning;
  }

  public boolean isDrop() {
    return compareTo(DROPPED_MALFORMED) >= 0;
  }
}
