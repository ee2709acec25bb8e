// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import dev.culvert.lab.Lab;
import dev.culvert.lab.Topology;
import dev.culvert.lab.datapath.ContainerLinks;
import dev.culvert.lab.datapath.CulvertDatapath;
import dev.culvert.lab.datapath.KernelVxlanDatapath;
import dev.culvert.lab.datapath.LabDatapath;
import dev.culvert.lab.datapath.RoutesDatapath;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * A contestant, before it is built.
 *
 * @param id on the command line, in tables and in the names of namespaces
 * @param title what it is, in a few words
 * @param source whose way of doing it this is, and where it can be read
 * @param joins which runs have it
 * @param ipv6 whether it is set up for containers and underlay of IPv6 too
 * @param probe lines of ip(8) that work in an empty namespace if the kernel has what it needs;
 *     empty when every kernel does
 */
public record Peer(
    String id,
    String title,
    String source,
    Joins joins,
    boolean ipv6,
    List<String> probe,
    BiFunction<Lab, Topology, LabDatapath> builder) {
  /** When a contestant takes part. */
  public enum Joins {
    QUICK_RUNS,
    FULL_RUNS,
    WHEN_NAMED;

    /** Whether a run of which nobody has named the contestants has it. */
    public boolean in(boolean quickRun) {
      return this == QUICK_RUNS || (this == FULL_RUNS && !quickRun);
    }
  }

  /** The datapath that ratios are against, where it takes part. */
  public static final String REFERENCE = LabDatapath.Kind.KERNEL_VXLAN.toString();

  public static final String CULVERT = "culvert-tc";

  /** Builds it on a topology; it is not up yet. */
  public LabDatapath build(Lab lab, Topology topology) {
    return builder.apply(lab, topology);
  }

  /** All that there are, in the order of the tables. */
  public static List<Peer> all() {
    return List.of(
        routes(ContainerLinks.BRIDGE),
        routes(ContainerLinks.VETH),
        kernelVxlan(ContainerLinks.BRIDGE),
        kernelVxlan(ContainerLinks.VETH),
        collectMd(TunnelDevice.VXLAN, Joins.QUICK_RUNS),
        collectMd(TunnelDevice.GENEVE, Joins.FULL_RUNS),
        ipip(),
        wireguard(),
        ipsec(),
        userspace(),
        culvert(CULVERT, "Culvert, decapsulation at tc", Joins.QUICK_RUNS, Map.of()),
        culvert(
            "culvert-xdp",
            "Culvert, decapsulation at XDP",
            Joins.FULL_RUNS,
            Map.of("decapsulation", "xdp")),
        limit());
  }

  private static Peer routes(ContainerLinks links) {
    return new Flannel(
            LabDatapath.Kind.ROUTES.toString(),
            "plain routes (host-gw), no overlay",
            "flannel, pkg/backend/hostgw; the router is told the subnets")
        .with(links, topology -> new RoutesDatapath(topology, true, links));
  }

  private static Peer kernelVxlan(ContainerLinks links) {
    return new Flannel(REFERENCE, "the kernel's VXLAN device", "flannel, pkg/backend/vxlan")
        .with(links, topology -> new KernelVxlanDatapath(topology, links));
  }

  /** A backend of flannel's, whole or without the bridge that its CNI plugin makes. */
  private record Flannel(String id, String title, String source) {
    Peer with(ContainerLinks links, Function<Topology, LabDatapath> builder) {
      boolean whole = links == ContainerLinks.BRIDGE;
      return new Peer(
          id + (whole ? "" : "-veth"),
          title + (whole ? "" : ", containers without a bridge"),
          source
              + (whole
                  ? "; containers on cni0, as flannel's CNI plugin has them"
                  : "; a veth and a route for each container, as Calico has it"),
          whole ? Joins.QUICK_RUNS : Joins.WHEN_NAMED,
          true,
          List.of(),
          (_, topology) -> builder.apply(topology));
    }
  }

  private static Peer userspace() {
    LabDatapath.Kind kind = LabDatapath.Kind.USERSPACE;
    return new Peer(
        kind.toString(),
        "Culvert's daemon in user space, TUN and UDP",
        "this project; flannel, pkg/backend/udp, has the same design",
        Joins.FULL_RUNS,
        true,
        List.of(),
        kind::over);
  }

  private static Peer collectMd(TunnelDevice device, Joins joins) {
    return new Peer(
        "tunnel-key" + (device == TunnelDevice.VXLAN ? "" : "-" + device),
        "bpf_skb_set_tunnel_key over a collect_md " + device + " device",
        "Cilium, bpf/lib/encap.h and bpf/bpf_overlay.c, tunnel-protocol: " + device,
        joins,
        false,
        List.of("link add probe type " + device + " external"),
        (_, topology) -> new TunnelKeyDatapath(topology, device));
  }

  private static Peer ipip() {
    return new Peer(
        "ipip",
        "the kernel's IP-in-IP device",
        "flannel, pkg/backend/ipip",
        Joins.FULL_RUNS,
        false,
        List.of("link add probe type ipip local 127.0.0.1 remote any"),
        (_, topology) -> new IpipDatapath(topology));
  }

  private static Peer wireguard() {
    return new Peer(
        "wireguard",
        "WireGuard (encrypts)",
        "flannel, pkg/backend/wireguard",
        Joins.FULL_RUNS,
        false,
        List.of("link add probe type wireguard"),
        (_, topology) -> new WireguardDatapath(topology));
  }

  private static Peer ipsec() {
    return new Peer(
        "ipsec",
        "IPsec, ESP in tunnel mode, AES-GCM (encrypts)",
        "flannel, pkg/backend/ipsec, with fixed keys in place of strongSwan",
        Joins.FULL_RUNS,
        false,
        List.of(IpsecDatapath.state("127.0.0.1", "127.0.0.2", 1)),
        (_, topology) -> new IpsecDatapath(topology));
  }

  private static Peer culvert(String id, String title, Joins joins, Map<String, String> settings) {
    return new Peer(
        id,
        title,
        "this project",
        joins,
        true,
        List.of(),
        (lab, topology) -> new CulvertDatapath(lab, topology, settings));
  }

  private static Peer limit() {
    return new Peer(
        "limit",
        "Culvert without encapsulation: the limit",
        "this project, directRouting between hosts that take each other for neighbours",
        Joins.QUICK_RUNS,
        true,
        List.of(),
        LimitDatapath::new);
  }
}
