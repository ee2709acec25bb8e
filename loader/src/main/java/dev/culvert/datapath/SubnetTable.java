// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static dev.culvert.datapath.Layouts.SUBNET;
import static dev.culvert.datapath.Layouts.SUBNET4_KEY;
import static dev.culvert.datapath.Layouts.SUBNET6_KEY;

import dev.culvert.datapath.Datapath.Failure;
import dev.culvert.kernel.StructLayout;
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

  private static final ByFamily<StructLayout> KEYS = new ByFamily<>(SUBNET4_KEY, SUBNET6_KEY);

  private final ByFamily<SubnetRun> runs;
  private final ExactSubnets exact;
  private final VtepTable vteps;

  SubnetTable(EntryMap subnets4, EntryMap subnets6, ExactSubnets exact, VtepTable vteps) {
    this.runs =
        new ByFamily<>(
            new SubnetRun(subnets4, exact, this::encode, this::written),
            new SubnetRun(subnets6, exact, this::encode, this::written));
    this.exact = exact;
    this.vteps = vteps;
    for (IpFamily family : IpFamily.values()) {
      recover(family);
    }
  }

  private void recover(IpFamily family) {
    runs.of(family)
        .trie()
        .forEach((key, value) -> {
          exact.recover(decodeKey(family, key));
          int flags = Layouts.getInt(value, SUBNET, "flags");
          if ((flags & Layouts.SUBNET_LOCAL) == 0) {
            InetAddress vtep = IpFamily.address(Layouts.getBytes(value, SUBNET, "remote"));
            vteps.recover(vtep, Layouts.getInt(value, SUBNET, "vtep_id"));
            vteps.owns(decodeKey(family, key), vtep);
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
      IpFamily family = subnet.prefix().family();
      SubnetRun run = runs.of(family);
      if (change instanceof Change.PutLocal) {
        exact.setUsualLength(family, subnet.prefix().length(), run.trie());
      }
      run.add(change, subnet, failures);
    }
    runs.ipv4().flush(failures);
    runs.ipv6().flush(failures);
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
    StructLayout layout = KEYS.of(prefix.family());
    Layouts.putInt(key, layout, "prefix_length", VNI_BITS + prefix.length());
    Layouts.putInt(key, layout, "vni", subnet.vni().value());
    Layouts.putRaw(key, layout, "address", prefix.address());
  }

  static Subnet decodeKey(IpFamily family, MemorySegment key) {
    StructLayout layout = KEYS.of(family);
    InetAddress address = Layouts.getRaw(key, layout, "address", family);
    int length = Layouts.getInt(key, layout, "prefix_length") - VNI_BITS;
    return new Subnet(new Vni(Layouts.getInt(key, layout, "vni")), new IpPrefix(address, length));
  }

  static void encodeRemote(RemoteSubnet remote, int vtepId, MemorySegment value) {
    IpFamily underlay = IpFamily.of(remote.remote().address());
    int flags =
        (remote.direct() ? Layouts.SUBNET_DIRECT : 0)
            | (underlay == IpFamily.IPV6 ? Layouts.SUBNET_UNDERLAY_IPV6 : 0)
            | (remote.nextHop().isPresent() ? 0 : Layouts.SUBNET_UNREACHABLE);
    HeaderTemplate.write(remote, value, SUBNET.field("header").offsetBytes());
    Layouts.putInt(value, SUBNET, "flags", flags);
    Layouts.putInt(value, SUBNET, "vtep_id", vtepId);
    Layouts.putAddress(value, SUBNET, "remote", remote.remote().address());
    if (remote.nextHop().isPresent()) {
      NextHop hop = remote.nextHop().get();
      int overhead = remote.direct() ? 0 : underlay.overheadBytes();
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
    IpFamily underlay = (flags & Layouts.SUBNET_UNDERLAY_IPV6) == 0 ? IpFamily.IPV4 : IpFamily.IPV6;
    boolean direct = (flags & Layouts.SUBNET_DIRECT) != 0;
    HeaderTemplate header = HeaderTemplate.of(Layouts.getBytes(value, SUBNET, "header"), underlay);
    Optional<NextHop> hop = Optional.empty();
    if ((flags & Layouts.SUBNET_UNREACHABLE) == 0) {
      InetAddress gateway = IpFamily.address(Layouts.getBytes(value, SUBNET, "gateway"));
      int overhead = direct ? 0 : underlay.overheadBytes();
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
    for (SubnetRun run : List.of(runs.ipv4(), runs.ipv6())) {
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
    for (IpFamily family : IpFamily.values()) {
      runs.of(family)
          .trie()
          .forEach((key, value) -> {
            Subnet subnet = decodeKey(family, key);
            if ((Layouts.getInt(value, SUBNET, "flags") & Layouts.SUBNET_LOCAL) != 0) {
              locals.add(new LocalSubnet(subnet, Layouts.getInt(value, SUBNET, "ifindex")));
            } else {
              remotes.add(decodeRemote(subnet, value, localPort));
            }
          });
    }
    remotes.sort((a, b) -> a.subnet().compareTo(b.subnet()));
    locals.sort((a, b) -> a.subnet().compareTo(b.subnet()));
  }
}
