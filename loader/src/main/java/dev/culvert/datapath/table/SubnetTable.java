// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.SUBNET;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath.Failure;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Maps subnets4 and subnets6: who owns an inner address. {@link ExactSubnets} follows what is
 * written here. Owned by one thread.
 */
public final class SubnetTable {
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
          exact.recover(SubnetEntries.decodeKey(family, key));
          int flags = Layouts.getInt(value, SUBNET, "flags");
          if ((flags & Layouts.SUBNET_LOCAL) == 0) {
            InetAddress vtep = IpFamily.address(Layouts.getBytes(value, SUBNET, "remote"));
            vteps.recover(vtep, Layouts.getInt(value, SUBNET, "vtep_id"));
            vteps.owns(SubnetEntries.decodeKey(family, key), vtep);
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
  public List<Failure> apply(List<? extends Change> changes) {
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
    SubnetEntries.encodeKey(subnetOf(change), key);
    value.fill((byte) 0);
    switch (change) {
      case Change.PutRemote put ->
          SubnetEntries.encodeRemote(
              put.remote(), vteps.idOf(put.remote().remote().address()), value);
      case Change.PutLocal put -> SubnetEntries.encodeLocal(put.local(), value);
      default -> {} // A removal has no value.
    }
  }

  /** The interfaces that entries of other hosts lead through. */
  public Set<Integer> interfaceIndexes() {
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
            Subnet subnet = SubnetEntries.decodeKey(family, key);
            if ((Layouts.getInt(value, SUBNET, "flags") & Layouts.SUBNET_LOCAL) != 0) {
              locals.add(new LocalSubnet(subnet, Layouts.getInt(value, SUBNET, "ifindex")));
            } else {
              remotes.add(SubnetEntries.decodeRemote(subnet, value, localPort));
            }
          });
    }
    remotes.sort((a, b) -> a.subnet().compareTo(b.subnet()));
    locals.sort((a, b) -> a.subnet().compareTo(b.subnet()));
  }
}
