// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static dev.culvert.datapath.Layouts.SUBNET;
import static dev.culvert.datapath.Layouts.SUBNET4_KEY;
import static dev.culvert.datapath.Layouts.SUBNET6_KEY;

import dev.culvert.datapath.Datapath.Failure;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Maps subnets4 and subnets6: who owns an inner address. {@link ExactSubnets} follows what is
 * written here.
 */
final class SubnetTable {
  /** Larger runs are cut, so that a refusal is pinned down among few entries. */
  static final int BATCH_ENTRIES = 4096;

  /** Bits of the VNI in front of the address in an LPM key. */
  private static final int VNI_BITS = 32;

  private final EntryMap subnets4;
  private final EntryMap subnets6;
  private final ExactSubnets exact;
  private final Ids<InetAddress> vtepIds = new Ids<>();

  SubnetTable(EntryMap subnets4, EntryMap subnets6, ExactSubnets exact) {
    this.subnets4 = subnets4;
    this.subnets6 = subnets6;
    this.exact = exact;
    recover(subnets4, true);
    recover(subnets6, false);
  }

  private void recover(EntryMap map, boolean ipv4) {
    map.forEach((key, value) -> {
      exact.recover(decodeKey(ipv4, key));
      int flags = Layouts.getInt(value, SUBNET, "flags");
      if ((flags & Layouts.SUBNET_LOCAL) == 0) {
        vtepIds.recover(
            Layouts.address(Layouts.getBytes(value, SUBNET, "remote")),
            Layouts.getInt(value, SUBNET, "vtep_id"));
      }
    });
  }

  /** One write: a change and the subnet it is about. */
  private record Write(Change change, Subnet subnet, boolean put) {
    static Write of(Change change) {
      return switch (change) {
        case Change.PutRemote put -> new Write(put, put.remote().subnet(), true);
        case Change.PutLocal put -> new Write(put, put.local().subnet(), true);
        case Change.RemoveSubnet remove -> new Write(remove, remove.subnet(), false);
        case Change.PutEndpoint endpoint -> throw new IllegalArgumentException(endpoint.toString());
        case Change.RemoveEndpoint endpoint ->
            throw new IllegalArgumentException(endpoint.toString());
      };
    }
  }

  /** Applies changes of subnets in order, each run of puts or removes in batches. */
  List<Failure> apply(List<? extends Change> changes) {
    List<Failure> failures = new ArrayList<>();
    // The families have maps of their own, so their order among each other does not matter.
    List<Write> run4 = new ArrayList<>();
    List<Write> run6 = new ArrayList<>();
    for (Change change : changes) {
      Write write = Write.of(change);
      boolean ipv4 = write.subnet().prefix().isIpv4();
      List<Write> run = ipv4 ? run4 : run6;
      if (change instanceof Change.PutLocal) {
        exact.setUsualLength(ipv4, write.subnet().prefix().length(), ipv4 ? subnets4 : subnets6);
      }
      if (run.size() == BATCH_ENTRIES || (!run.isEmpty() && run.getFirst().put() != write.put())) {
        flush(ipv4 ? subnets4 : subnets6, run, failures);
      }
      run.add(write);
    }
    flush(subnets4, run4, failures);
    flush(subnets6, run6, failures);
    return failures;
  }

  private void flush(EntryMap map, List<Write> run, List<Failure> failures) {
    if (run.isEmpty()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment keys = arena.allocate((long) map.keyBytes() * run.size(), 8);
      MemorySegment values = arena.allocate((long) map.valueBytes() * run.size(), 8);
      List<Write> encoded = new ArrayList<>();
      for (Write write : run) {
        try {
          encode(write, key(map, keys, encoded.size()), value(map, values, encoded.size()));
          encoded.add(write);
        } catch (IllegalArgumentException e) {
          failures.add(new Failure(write.change(), e));
        }
      }
      try {
        writeAll(map, encoded, keys, values);
      } catch (RuntimeException refused) {
        // Part of the batch may be written. Writing an entry twice is harmless, so go one by one.
        writeEach(map, encoded, keys, values, failures);
      }
    }
    run.clear();
  }

  private void writeAll(EntryMap map, List<Write> run, MemorySegment keys, MemorySegment values) {
    if (run.isEmpty()) {
      return;
    }
    List<Subnet> subnets = run.stream().map(Write::subnet).toList();
    if (run.getFirst().put()) {
      map.putAll(keys, values, run.size());
      exact.put(subnets, values);
    } else {
      exact.remove(subnets);
      map.removeAll(keys, run.size());
      exact.removed(subnets, map);
    }
  }

  private void writeEach(
      EntryMap map,
      List<Write> run,
      MemorySegment keys,
      MemorySegment values,
      List<Failure> failures) {
    for (int i = 0; i < run.size(); i++) {
      Write write = run.get(i);
      try {
        List<Subnet> subnet = List.of(write.subnet());
        if (write.put()) {
          map.put(key(map, keys, i), value(map, values, i));
          exact.put(subnet, value(map, values, i));
        } else {
          exact.remove(subnet);
          map.remove(key(map, keys, i));
          exact.removed(subnet, map);
        }
      } catch (RuntimeException refused) {
        failures.add(
            new Failure(write.change(), MapFull.explain(map, write.subnet().toString(), refused)));
      }
    }
  }

  private static MemorySegment key(EntryMap map, MemorySegment keys, int index) {
    return keys.asSlice((long) index * map.keyBytes(), map.keyBytes());
  }

  private static MemorySegment value(EntryMap map, MemorySegment values, int index) {
    return values.asSlice((long) index * map.valueBytes(), map.valueBytes());
  }

  private void encode(Write write, MemorySegment key, MemorySegment value) {
    encodeKey(write.subnet(), key);
    value.fill((byte) 0);
    switch (write.change()) {
      case Change.PutRemote put ->
          encodeRemote(put.remote(), vtepIds.of(put.remote().remote().address()), value);
      case Change.PutLocal put -> encodeLocal(put.local(), value);
      default -> {} // A removal has no value.
    }
  }

  static void encodeKey(Subnet subnet, MemorySegment key) {
    IpPrefix prefix = subnet.prefix();
    var layout = prefix.isIpv4() ? SUBNET4_KEY : SUBNET6_KEY;
    Layouts.putInt(key, layout, "prefix_length", VNI_BITS + prefix.length());
    Layouts.putInt(key, layout, "vni", subnet.vni().value());
    if (prefix.isIpv4()) {
      Layouts.putInt(key, layout, "address", Layouts.ipv4Bits(prefix.address()));
    } else {
      Layouts.putBytes(key, layout, "address", prefix.address().getAddress());
    }
  }

  static Subnet decodeKey(boolean ipv4, MemorySegment key) {
    var layout = ipv4 ? SUBNET4_KEY : SUBNET6_KEY;
    InetAddress address =
        ipv4
            ? Layouts.ipv4(Layouts.getInt(key, layout, "address"))
            : Layouts.address(Layouts.getBytes(key, layout, "address"));
    int length = Layouts.getInt(key, layout, "prefix_length") - VNI_BITS;
    return new Subnet(new Vni(Layouts.getInt(key, layout, "vni")), new IpPrefix(address, length));
  }

  static void encodeRemote(RemoteSubnet remote, int vtepId, MemorySegment value) {
    boolean underlay4 = Layouts.isIpv4(remote.remote().address());
    int flags =
        (remote.direct() ? Layouts.SUBNET_DIRECT : 0)
            | (underlay4 ? 0 : Layouts.SUBNET_UNDERLAY_IPV6)
            | (remote.nextHop().isPresent() ? 0 : Layouts.SUBNET_UNREACHABLE);
    HeaderTemplate header =
        new HeaderTemplate(
            remote.local().address(),
            remote.remote(),
            remote.local().mac(),
            remote.subnet().vni(),
            remote.subnet().prefix().isIpv4());
    Layouts.putBytes(value, SUBNET, "header", header.toBytes());
    Layouts.putInt(value, SUBNET, "flags", flags);
    Layouts.putInt(value, SUBNET, "vtep_id", vtepId);
    Layouts.putBytes(value, SUBNET, "remote", Layouts.mapped(remote.remote().address()));
    if (remote.nextHop().isPresent()) {
      NextHop hop = remote.nextHop().get();
      int overhead = remote.direct() ? 0 : HeaderTemplate.overheadBytes(underlay4);
      Layouts.putInt(value, SUBNET, "ifindex", hop.interfaceIndex());
      Layouts.putInt(value, SUBNET, "mtu_bytes", hop.mtuBytes() - overhead);
      Layouts.putBytes(value, SUBNET, "gateway", Layouts.mapped(hop.gateway()));
    }
  }

  /**
   * @param localPort the tunnel's port on this host, which the entry does not hold
   */
  static RemoteSubnet decodeRemote(Subnet subnet, MemorySegment value, int localPort) {
    int flags = Layouts.getInt(value, SUBNET, "flags");
    boolean underlay4 = (flags & Layouts.SUBNET_UNDERLAY_IPV6) == 0;
    boolean direct = (flags & Layouts.SUBNET_DIRECT) != 0;
    HeaderTemplate header = HeaderTemplate.of(Layouts.getBytes(value, SUBNET, "header"), underlay4);
    Optional<NextHop> hop = Optional.empty();
    if ((flags & Layouts.SUBNET_UNREACHABLE) == 0) {
      InetAddress gateway = Layouts.address(Layouts.getBytes(value, SUBNET, "gateway"));
      int overhead = direct ? 0 : HeaderTemplate.overheadBytes(underlay4);
      hop =
          Optional.of(
              new NextHop(
                  Layouts.getInt(value, SUBNET, "ifindex"),
                  header.source(),
                  gateway,
                  Layouts.getInt(value, SUBNET, "mtu_bytes") + overhead,
                  gateway.equals(header.remote().address())));
    }
    Vtep local = new Vtep(header.source(), localPort, header.localMac());
    return new RemoteSubnet(subnet, local, header.remote(), hop, direct);
  }

  static void encodeLocal(LocalSubnet local, MemorySegment value) {
    Layouts.putInt(value, SUBNET, "flags", Layouts.SUBNET_LOCAL);
    Layouts.putInt(value, SUBNET, "ifindex", local.bridgeIndex());
  }

  /** Everything in both maps, sorted. */
  void read(int localPort, List<RemoteSubnet> remotes, List<LocalSubnet> locals) {
    read(subnets4, true, localPort, remotes, locals);
    read(subnets6, false, localPort, remotes, locals);
    remotes.sort((a, b) -> a.subnet().compareTo(b.subnet()));
    locals.sort((a, b) -> a.subnet().compareTo(b.subnet()));
  }

  private static void read(
      EntryMap map,
      boolean ipv4,
      int localPort,
      List<RemoteSubnet> remotes,
      List<LocalSubnet> locals) {
    map.forEach((key, value) -> {
      Subnet subnet = decodeKey(ipv4, key);
      if ((Layouts.getInt(value, SUBNET, "flags") & Layouts.SUBNET_LOCAL) != 0) {
        locals.add(new LocalSubnet(subnet, Layouts.getInt(value, SUBNET, "ifindex")));
      } else {
        remotes.add(decodeRemote(subnet, value, localPort));
      }
    });
  }
}
