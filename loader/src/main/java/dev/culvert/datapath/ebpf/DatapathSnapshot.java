// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.LoweredMtu;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.TrafficCounters;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Tables;
import dev.culvert.datapath.table.VtepTable;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.host.KernelClock;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What one pin folder holds, read at one moment, with or without a living agent. Nothing is changed
 * by reading.
 *
 * @param identity what the agent set at start; empty when it never got that far
 * @param state endpoints are as the maps have them: a device may be gone meanwhile; for whom they
 *     are is known where the interface is in the calling thread's network namespace, or was made by
 *     somebody else
 * @param paths what routers said of the ways to VTEPs, where it holds
 * @param counters since the maps were made, over all CPUs
 * @param traffic by VTEP and by endpoint
 * @param programs as loaded, by name
 * @param attachments by name
 */
public record DatapathSnapshot(
    Optional<Identity> identity,
    Datapath.State state,
    Map<InetAddress, LoweredMtu> paths,
    Map<Verdict, Counter> counters,
    TrafficCounters traffic,
    List<Loaded> programs,
    List<Attached> attachments) {
  /** Checks that all is there. */
  public DatapathSnapshot {
    Objects.requireNonNull(identity, "identity");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(paths, "paths");
    Objects.requireNonNull(counters, "counters");
    Objects.requireNonNull(traffic, "traffic");
    Objects.requireNonNull(programs, "programs");
    Objects.requireNonNull(attachments, "attachments");
  }

  /**
   * A program that the kernel holds.
   *
   * @param id unique among all programs that are loaded now
   * @param name at most 15 characters
   * @param tag 16 hexadecimal digits, the same as bpftool prints
   * @param runTimeNs total over all CPUs; grows only while the kernel's statistics of BPF programs
   *     are on
   * @param runCount likewise
   */
  public record Loaded(int id, String name, String tag, long runTimeNs, long runCount) {
    /** Checks that all is there. */
    public Loaded {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(tag, "tag");
    }

    private static Loaded of(BpfProgram.Info info) {
      return new Loaded(info.id(), info.name(), info.tag(), info.runTimeNs(), info.runCount());
    }
  }

  /**
   * A program on an interface.
   *
   * @param name of the pin
   * @param program such as {@code from_container}
   * @param interfaceIndex empty when the interface is gone
   */
  public record Attached(String name, String program, Optional<Integer> interfaceIndex) {
    /** Checks that all is there. */
    public Attached {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(program, "program");
      Objects.requireNonNull(interfaceIndex, "interfaceIndex");
    }
  }

  /**
   * What an agent holds that carries the packets itself: no programs, no traffic by VTEP or
   * endpoint, and no paths: the kernel tells it how much they carry.
   *
   * @param identity empty while the datapath has not been started
   * @param state what {@link Datapath#read()} says
   * @param counters since the process began
   * @return a snapshot that no later change reaches
   */
  public static DatapathSnapshot ofProcess(
      Optional<Identity> identity, Datapath.State state, Map<Verdict, Counter> counters) {
    Objects.requireNonNull(identity, "identity");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(counters, "counters");
    return new DatapathSnapshot(
        identity,
        state,
        Map.of(),
        counters,
        new TrafficCounters(Map.of(), Map.of()),
        List.of(),
        List.of());
  }

  /**
   * A router's word on the way to a subnet, where it makes packets smaller than the entry does.
   *
   * @param remote one of {@code state}'s
   * @return empty where no router said so, and for direct routing, where there is none
   */
  public Optional<LoweredMtu> lowered(RemoteSubnet remote) {
    Objects.requireNonNull(remote, "remote");
    return remote.direct()
        ? Optional.empty()
        : Optional.ofNullable(paths.get(remote.remote().address()))
            .filter(
                path -> remote.innerMtuBytes().filter(own -> path.mtuBytes() < own).isPresent());
  }

  /**
   * {@return the bytes of the largest inner packet that reaches a subnet whole, at the moment of
   * the snapshot; empty while there is no route}
   *
   * @param remote one of {@code state}'s
   */
  public Optional<Integer> mtuBytes(RemoteSubnet remote) {
    Objects.requireNonNull(remote, "remote");
    return lowered(remote).map(LoweredMtu::mtuBytes).or(remote::innerMtuBytes);
  }

  /**
   * @throws RefusedException when the folder holds no datapath, or one of another version
   */
  static DatapathSnapshot read(Libc libc, Path folder) {
    Pins pins = Pins.existing(folder);
    Optional<Identity> identity = pins.identity();
    Map<String, BpfMap> maps = new HashMap<>();
    try {
      for (String name : Tables.MAPS) {
        maps.put(name, BpfMap.openPinned(libc, pins.map(name)));
      }
      Tables tables = Tables.of(maps::get);
      Datapath.State state =
          new ContainerNames(libc, pins)
              .name(
                  // Until the agent has recorded its own.
                  tables.read(identity.map(i -> i.vtep().port()).orElse(Vtep.VXLAN_PORT)));
      return new DatapathSnapshot(
          identity,
          state,
          paths(tables.vteps(), state.remotes(), KernelClock.monotonicNs(libc)),
          tables.counters().read(),
          tables.traffic(),
          programs(libc, pins),
          attachments(libc, pins));
    } finally {
      maps.values().forEach(BpfMap::close);
    }
  }

  private static Map<InetAddress, LoweredMtu> paths(
      VtepTable vteps, List<RemoteSubnet> remotes, long nowNs) {
    Map<InetAddress, LoweredMtu> paths = new HashMap<>();
    for (RemoteSubnet remote : remotes) {
      InetAddress vtep = remote.remote().address();
      vteps
          .path(vtep)
          .filter(path -> path.expiresNs() > nowNs)
          .ifPresent(path ->
              paths.put(
                  vtep,
                  new LoweredMtu(path.mtuBytes(), Duration.ofNanos(path.expiresNs() - nowNs))));
    }
    return Map.copyOf(paths);
  }

  private static List<Loaded> programs(Libc libc, Pins pins) {
    List<Loaded> loaded = new ArrayList<>();
    for (String name : pins.programs()) {
      try (BpfProgram program = BpfProgram.openPinned(libc, pins.program(name))) {
        loaded.add(Loaded.of(program.info()));
      }
    }
    return List.copyOf(loaded);
  }

  private static List<Attached> attachments(Libc libc, Pins pins) {
    PinnedLinks links = new PinnedLinks(libc, pins);
    return pins.links().stream()
        .map(name -> new Attached(name, PinnedLinks.programOf(name), links.interfaceIndex(name)))
        .toList();
  }
}
