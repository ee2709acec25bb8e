// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static dev.culvert.datapath.Layouts.SUBNET;
import static dev.culvert.datapath.Layouts.SUBNET4_KEY;
import static dev.culvert.datapath.Layouts.SUBNET6_KEY;

import dev.culvert.datapath.Datapath.Failure;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Maps subnets4 and subnets6: who owns an inner address. {@link ExactSubnets} follows what is
 * written here. Owned by one thread.
 */
final class SubnetTable {
  /** Bits of the VNI in front of the address in an LPM key. */
  private static final int VNI_BITS = 32;

  private final SubnetRun run4;
  private final SubnetRun run6;
  private final ExactSubnets exact;
  private final VtepTable vteps;

  SubnetTable(EntryMap subnets4, EntryMap subnets6, ExactSubnets exact, VtepTable vteps) {
    this.run4 = new SubnetRun(subnets4, exact, this::encode, this::written);
    this.run6 = new SubnetRun(subnets6, exact, this::encode, this::written);
    this.exact = exact;
    this.vteps = vteps;
    recover(subnets4, true);
    recover(subnets6, false);
  }

  private void recover(EntryMap map, boolean ipv4) {
    map.forEach((key, value) -> {
      exact.recover(decodeKey(ipv4, key));
      int flags = Layouts.getInt(value, SUBNET, "flags");
      if ((flags & Layouts.SUBNET_LOCAL) == 0) {
        InetAddress vtep = Layouts.address(Layouts.getBytes(value, SUBNET, "remote"));
        vteps.recover(vtep, Layouts.getInt(value, SUBNET, "vtep_id"));
        vteps.owns(decodeKey(ipv4, key), vtep);
      }
    });
  }

  private static Subnet subnetOf(Change change) {
    return switch (change) {
      case Change.PutRemote put -> put.remote().subnet();
      case Change.PutLocal put -> put.local().subnet();
      case Change.RemoveSubnet remove -> remove.subnet();
      case Change.PutEndpoint endpoint -> throw new IllegalArgumentException(endpoint.toString());
      case Change.RemoveEndpoint endpoint ->
          throw new IllegalArgumentException(endpoint.toString());
    };
  }

  /** Applies changes of subnets in order, each run of puts or removes in batches. */
  List<Failure> apply(List<? extends Change> changes) {
    List<Failure> failures = new ArrayList<>();
    // The families have maps of their own, so their order among each other does not matter.
    for (Change change : changes) {
      Subnet subnet = subnetOf(change);
      boolean ipv4 = subnet.prefix().isIpv4();
      SubnetRun run = ipv4 ? run4 : run6;
      if (change instanceof Change.PutLocal) {
        exact.setUsualLength(ipv4, subnet.prefix().length(), run.trie());
      }
      run.add(change, subnet, failures);
    }
    run4.flush(failures);
    run6.flush(failures);
    vteps.forgetUnused();
    return failures;
  }

  /** Keeps count of who owns what, so that VTEPs that own nothing any more are forgotten. */
  private void written(Change change) {
    if (change instanceof Change.PutRemote(RemoteSubnet remote)) {
      vteps.owns(remote.subnet(), remote.remote().address());
    } else {
      vteps.ownsNoMore(subnetOf(change));
    }
  }

  private void encode(Change change, MemorySegment key, MemorySegment value) {
    encodeKey(subnetOf(change), key);
    value.fill((byte) 0);
    switch (change) {
      case Change.PutRemote put ->
          encodeRemote(put.remote(), vteps.idOf(put.remote().remote().address()), value);
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
      Layouts.putAddress(key, layout, "address", prefix.address());
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
    HeaderTemplate.write(remote, value, SUBNET.field("header").offsetBytes());
    Layouts.putInt(value, SUBNET, "flags", flags);
    Layouts.putInt(value, SUBNET, "vtep_id", vtepId);
    Layouts.putAddress(value, SUBNET, "remote", remote.remote().address());
    if (remote.nextHop().isPresent()) {
      NextHop hop = remote.nextHop().get();
      int overhead = remote.direct() ? 0 : HeaderTemplate.overheadBytes(underlay4);
      Layouts.putInt(value, SUBNET, "ifindex", hop.interfaceIndex());
      Layouts.putInt(value, SUBNET, "mtu_bytes", hop.mtuBytes() - overhead);
      Layouts.putAddress(value, SUBNET, "gateway", hop.gateway());
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
    Layouts.putAddress(value, SUBNET, "gateway", local.gateway());
  }

  /** The interfaces that entries of other hosts lead through. */
  Set<Integer> interfaceIndexes() {
    Set<Integer> indexes = new HashSet<>();
    for (SubnetRun run : List.of(run4, run6)) {
      run.trie()
          .forEach((key, value) -> {
            int flags = Layouts.getInt(value, SUBNET, "flags");
            if ((flags & (Layouts.SUBNET_LOCAL | Layouts.SUBNET_UNREACHABLE)) == 0) {
              indexes.add(Layouts.getInt(value, SUBNET, "ifindex"));
            }
          });
    }
    return indexes;
  }

  /** Everything in both maps, sorted. */
  void read(int localPort, List<RemoteSubnet> remotes, List<LocalSubnet> locals) {
    read(run4.trie(), true, localPort, remotes, locals);
    read(run6.trie(), false, localPort, remotes, locals);
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
