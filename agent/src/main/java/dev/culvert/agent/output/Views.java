// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import dev.culvert.control.Lease;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Traffic;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Our values as JSON objects. The field names are documented in docs/cli.md and stay. */
public final class Views {
  private Views() {}

  public static Map<String, Object> status(OverlayStatus status) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("lease", status.lease().map(Views::lease));
    view.put("leases", status.leases().stream().map(Views::lease).toList());
    Map<String, Object> store = new LinkedHashMap<>();
    store.put("connected", status.storeConnected());
    store.put("revision", status.storeRevision());
    view.put("store", store);
    view.put("remotes", status.remotes().size());
    view.put("pending", status.pending());
    view.put("problems", status.problems());
    return view;
  }

  public static Map<String, Object> lease(Lease lease) {
    Map<String, Object> view = new LinkedHashMap<>();
    putSubnet(view, lease.subnet());
    view.put("host", lease.host().text());
    view.put("vtep", vtep(lease.vtep()));
    view.put("generation", lease.generation());
    view.put("renewed", lease.term().flatMap(Lease.Term::renewed).map(Instant::toString));
    view.put("expires", lease.expires().map(Instant::toString));
    return view;
  }

  public static Map<String, Object> vtep(Vtep vtep) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("address", IpAddresses.text(vtep.address()));
    view.put("port", vtep.port());
    view.put("mac", vtep.mac().toString());
    return view;
  }

  public static Map<String, Object> local(LocalSubnet local) {
    Map<String, Object> view = new LinkedHashMap<>();
    putSubnet(view, local.subnet());
    view.put("way", local.bridgeIndex() == 0 ? "local" : "bridge");
    view.put("vtep", null);
    view.put("nextHop", null);
    view.put("bridgeIndex", local.bridgeIndex() == 0 ? null : local.bridgeIndex());
    return view;
  }

  public static Map<String, Object> remote(RemoteSubnet remote) {
    Map<String, Object> view = new LinkedHashMap<>();
    putSubnet(view, remote.subnet());
    view.put("way", way(remote));
    view.put("vtep", vtep(remote.remote()));
    view.put("nextHop", remote.nextHop().map(Views::nextHop));
    view.put("bridgeIndex", null);
    return view;
  }

  /** A subnet with what its way carries now, as "subnets" and "status" show it. */
  public static Map<String, Object> remote(RemoteSubnet remote, DatapathSnapshot tables) {
    Map<String, Object> view = remote(remote);
    view.put("mtuBytes", tables.mtuBytes(remote));
    view.put(
        "loweredForSeconds", tables.lowered(remote).map(lowered -> lowered.left().toSeconds()));
    return view;
  }

  /** One word for how packets reach a subnet. */
  public static String way(RemoteSubnet remote) {
    if (remote.nextHop().isEmpty()) {
      return "unreachable";
    }
    return remote.direct() ? "direct" : "vxlan";
  }

  private static Map<String, Object> nextHop(NextHop hop) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("interfaceIndex", hop.interfaceIndex());
    view.put("source", IpAddresses.text(hop.source()));
    view.put("gateway", IpAddresses.text(hop.gateway()));
    view.put("mtuBytes", hop.mtuBytes());
    view.put("onLink", hop.onLink());
    return view;
  }

  public static Map<String, Object> endpoint(Endpoint endpoint) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("address", IpAddresses.text(endpoint.address()));
    view.put("addresses", endpoint.addresses().stream().map(IpAddresses::text).toList());
    view.put("vni", endpoint.vni().value());
    view.put("interfaceIndex", endpoint.interfaceIndex());
    view.put("peer", endpoint.peer());
    view.put("mac", endpoint.mac().toString());
    view.put("hostMac", endpoint.hostMac().toString());
    view.put("netns", endpoint.container().map(container -> container.netns().toString()));
    view.put("interface", endpoint.container().map(container -> container.interfaceName().text()));
    view.put("label", endpoint.container().flatMap(ContainerEnd::label).map(ContainerLabel::text));
    return view;
  }

  public static Map<String, Object> decapsulation(DecapsulationChoice choice) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("at", choice.where().name().toLowerCase(Locale.ROOT));
    view.put("why", choice.why());
    return view;
  }

  public static Map<String, Object> counter(Verdict verdict, Counter counter) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("verdict", verdict.name());
    view.put("packets", counter.packets());
    view.put("bytes", counter.bytes());
    view.put("drop", verdict.isDrop());
    view.put("meaning", verdict.meaning());
    return view;
  }

  public static Map<String, Object> traffic(InetAddress vtep, Traffic traffic) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("vtep", IpAddresses.text(vtep));
    putTraffic(view, traffic);
    return view;
  }

  public static Map<String, Object> traffic(Endpoint endpoint, Traffic traffic) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("endpoint", IpAddresses.text(endpoint.address()));
    view.put("vni", endpoint.vni().value());
    putTraffic(view, traffic);
    return view;
  }

  private static void putTraffic(Map<String, Object> view, Traffic traffic) {
    view.put("sentPackets", traffic.sent().packets());
    view.put("sentBytes", traffic.sent().bytes());
    view.put("receivedPackets", traffic.received().packets());
    view.put("receivedBytes", traffic.received().bytes());
  }

  private static void putSubnet(Map<String, Object> view, Subnet subnet) {
    view.put("subnet", subnet.prefix().toString());
    view.put("vni", subnet.vni().value());
  }
}
