// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfMap;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes subnets into the pinned maps of a running host, as its agent would, without a lease for
 * each: they all lead to the host that the first remote subnet leads to. The agent does not look at
 * entries that it did not make until it starts anew.
 */
public final class SubnetFiller {
  private SubnetFiller() {}

  /**
   * @param pins the host's folder in the bpf file system
   * @throws IllegalStateException when the host has no remote subnet yet, or a write fails
   */
  public static void fill(Libc libc, Path pins, List<IpPrefix> prefixes) {
    Pins existing = Pins.existing(pins);
    Map<String, BpfMap> maps = new HashMap<>();
    try {
      for (String name : Tables.MAPS) {
        maps.put(name, BpfMap.openPinned(libc, existing.map(name)));
      }
      Tables tables = Tables.of(maps::get);
      int port = existing.identity().orElseThrow().vtep().port();
      RemoteSubnet pattern =
          tables.read(port).remotes().stream()
              .findFirst()
              .orElseThrow(() -> new IllegalStateException(pins + " has no remote subnet yet."));
      List<Datapath.Failure> failures =
          tables.subnets().apply(prefixes.stream().map(prefix -> put(pattern, prefix)).toList());
      if (!failures.isEmpty()) {
        throw new IllegalStateException(
            "Cannot fill the subnets of " + pins + ": " + failures.getFirst() + ".");
      }
    } finally {
      maps.values().forEach(BpfMap::close);
    }
  }

  private static Change put(RemoteSubnet pattern, IpPrefix prefix) {
    return new Change.PutRemote(
        new RemoteSubnet(
            new Subnet(pattern.subnet().vni(), prefix),
            pattern.local(),
            pattern.remote(),
            pattern.nextHop(),
            pattern.direct()));
  }
}
