// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.kernel.bpf.BpfMap;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The object's maps, each behind the class that knows its entries. */
public record Tables(
    SubnetTable subnets,
    VtepTable vteps,
    EndpointTable endpoints,
    FlowTable flows,
    DeviceTable device,
    CounterTable counters) {
  /** Names of the maps in bpf/src/maps.h. */
  public static final List<String> MAPS =
      List.of(
          "subnets4",
          "subnets6",
          "exact4",
          "exact6",
          "masks",
          "vteps",
          "paths",
          "answer_due_ns",
          "endpoints4",
          "endpoints6",
          "interfaces",
          "flows",
          "flows_kept",
          "devices",
          "counters",
          "vtep_traffic",
          "endpoint_traffic",
          "trace_wanted",
          "tracers",
          "trace_lost",
          "trace_rings");

  public static Tables of(Function<String, BpfMap> map) {
    Function<String, EntryMap> entries = name -> EntryMap.of(map.apply(name));
    VtepTable vteps =
        new VtepTable(
            entries.apply("vteps"),
            entries.apply("paths"),
            new TrafficTable(entries.apply("vtep_traffic")));
    return new Tables(
        new SubnetTable(
            entries.apply("subnets4"),
            entries.apply("subnets6"),
            new ExactSubnets(
                entries.apply("exact4"), entries.apply("exact6"), entries.apply("masks")),
            vteps),
        vteps,
        new EndpointTable(
            entries.apply("endpoints4"),
            entries.apply("endpoints6"),
            entries.apply("interfaces"),
            new TrafficTable(entries.apply("endpoint_traffic"))),
        new FlowTable(entries.apply("flows"), entries.apply("flows_kept")),
        new DeviceTable(entries.apply("devices")),
        new CounterTable(entries.apply("counters")));
  }

  /** Who sent and received how much. */
  public TrafficCounters traffic() {
    return new TrafficCounters(vteps.traffic(), endpoints.traffic());
  }

  /**
   * All that the maps hold.
   *
   * @param localPort the tunnel's port on this host
   */
  public Datapath.State read(int localPort) {
    List<RemoteSubnet> remotes = new ArrayList<>();
    List<LocalSubnet> locals = new ArrayList<>();
    subnets.read(localPort, remotes, locals);
    return new Datapath.State(List.copyOf(remotes), List.copyOf(locals), endpoints.read());
  }
}
