// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.PATH;
import static dev.culvert.datapath.table.Layouts.VTEP;
import static dev.culvert.datapath.table.Layouts.VTEP_KEY;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Traffic;
import dev.culvert.kernel.IpAddresses;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Map vteps: which underlay addresses are this host's own, and which are other hosts'. Map paths:
 * what routers said of the ways there, by the VTEP's number.
 */
public final class VtepTable {
  private final EntryMap vteps;
  private final EntryMap paths;
  private final TrafficTable traffic;
  private final Ids<InetAddress> ids = new Ids<>();

  /** Those whose entry this instance has written. */
  private final Set<InetAddress> noted = new HashSet<>();

  private final Map<Subnet, InetAddress> owners = new HashMap<>();
  private final Map<InetAddress, Integer> owned = new HashMap<>();
  private final Set<InetAddress> idle = new HashSet<>();

  /**
   * What a router said of the way to a VTEP.
   *
   * @param mtuBytes the largest inner packet
   * @param expiresNs on the kernel's monotonic clock
   */
  public record PathMtu(int mtuBytes, long expiresNs) {}

  VtepTable(EntryMap vteps, EntryMap paths, TrafficTable traffic) {
    this.vteps = vteps;
    this.paths = paths;
    this.traffic = traffic;
  }

  /**
   * Makes {@code own} the only address of this host; the new one is there before an old one goes.
   */
  public void setSelf(InetAddress own) {
    try (Arena arena = Arena.ofConfined()) {
      put(arena, own, Layouts.VTEP_SELF, 0);
      noted.remove(own);
      for (InetAddress other : selves()) {
        if (!other.equals(own)) {
          vteps.remove(key(arena, other));
        }
      }
    }
  }

  /** Every address that is marked as this host's. */
  List<InetAddress> selves() {
    List<InetAddress> selves = new ArrayList<>();
    vteps.forEach((key, value) -> {
      if ((Layouts.getInt(value, VTEP, "flags") & Layouts.VTEP_SELF) != 0) {
        selves.add(IpFamily.address(Layouts.getBytes(key, VTEP_KEY, "address")));
      }
    });
    return selves;
  }

  /** The number that an entry of the kernel's maps gives another host's VTEP. */
  void recover(InetAddress remote, int id) {
    ids.recover(remote, id);
  }

  /**
   * The number of another host's VTEP; a new one is noted in the map, its path is unknown and its
   * counters are 0.
   */
  int idOf(InetAddress remote) {
    boolean known = ids.has(remote);
    int id = ids.of(remote);
    if (!owned.containsKey(remote)) {
      idle.add(remote); // until its first subnet is written
    }
    if (noted.contains(remote)) {
      return id;
    }
    try (Arena arena = Arena.ofConfined()) {
      if (!known) {
        forgetPath(arena, id);
        traffic.clear(id);
      }
      if (!isSelf(arena, remote)) {
        put(arena, remote, 0, id);
        noted.add(remote);
      }
    } catch (RuntimeException refused) {
      throw MapFull.explain(vteps, IpAddresses.text(remote), refused);
    }
    return id;
  }

  /** Counts a subnet as a VTEP's. */
  void owns(Subnet subnet, InetAddress remote) {
    InetAddress before = owners.put(subnet, remote);
    if (!remote.equals(before)) {
      owned.merge(remote, 1, Integer::sum);
      idle.remove(remote);
      release(before);
    }
  }

  /** Counts a subnet as nobody's. */
  void ownsNoMore(Subnet subnet) {
    release(owners.remove(subnet));
  }

  private void release(InetAddress remote) {
    if (remote != null && owned.merge(remote, -1, Integer::sum) == 0) {
      owned.remove(remote);
      idle.add(remote);
    }
  }

  /** Takes the entries of VTEPs away that own no subnet any more. */
  void forgetUnused() {
    if (idle.isEmpty()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      for (InetAddress remote : idle) {
        if (!isSelf(arena, remote)) {
          vteps.remove(key(arena, remote));
        }
        noted.remove(remote);
        ids.release(remote);
      }
    }
    idle.clear();
  }

  /** What a router said last of the way to a VTEP; it may not hold any more. */
  public Optional<PathMtu> path(InetAddress remote) {
    if (!ids.has(remote)) {
      return Optional.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(PATH.sizeBytes(), 8);
      if (!paths.get(pathKey(arena, ids.of(remote)), value)) {
        return Optional.empty();
      }
      PathMtu path =
          new PathMtu(
              Layouts.getInt(value, PATH, "mtu_bytes"), PATH.field("expires_ns").get(value, 0));
      return path.mtuBytes() == 0 ? Optional.empty() : Optional.of(path);
    }
  }

  /** What went to and came from each other host's VTEP, by address. */
  Map<InetAddress, Traffic> traffic() {
    Map<IpPrefix, Integer> numbers = new TreeMap<>();
    vteps.forEach((key, value) -> {
      if ((Layouts.getInt(value, VTEP, "flags") & Layouts.VTEP_SELF) == 0) {
        InetAddress vtep = IpFamily.address(Layouts.getBytes(key, VTEP_KEY, "address"));
        numbers.put(IpPrefix.of(vtep), Layouts.getInt(value, VTEP, "vtep_id"));
      }
    });
    Map<InetAddress, Traffic> all = new LinkedHashMap<>();
    numbers.forEach((vtep, id) -> all.put(vtep.address(), traffic.read(id)));
    return all;
  }

  private boolean isSelf(Arena arena, InetAddress address) {
    MemorySegment value = arena.allocate(VTEP.sizeBytes(), 8);
    return vteps.get(key(arena, address), value)
        && (Layouts.getInt(value, VTEP, "flags") & Layouts.VTEP_SELF) != 0;
  }

  /** The number may have been another VTEP's. */
  private void forgetPath(Arena arena, int id) {
    if (id < paths.maxEntries()) {
      paths.put(pathKey(arena, id), arena.allocate(PATH.sizeBytes(), 8));
    }
  }

  private void put(Arena arena, InetAddress address, int flags, int id) {
    MemorySegment value = arena.allocate(VTEP.sizeBytes(), 8);
    Layouts.putInt(value, VTEP, "flags", flags);
    Layouts.putInt(value, VTEP, "vtep_id", id);
    vteps.put(key(arena, address), value);
  }

  private static MemorySegment pathKey(Arena arena, int id) {
    MemorySegment key = arena.allocate(Layouts.PATH_KEY);
    key.set(Layouts.PATH_KEY, 0, id);
    return key;
  }

  private static MemorySegment key(Arena arena, InetAddress address) {
    MemorySegment key = arena.allocate(VTEP_KEY.sizeBytes(), 8);
    Layouts.putAddress(key, VTEP_KEY, "address", address);
    return key;
  }
}
