// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath.Failure;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The datapath's own tables in the kernel, without interfaces or programs that run: for what writes
 * cost. In this package for what is not public.
 */
public final class KernelTables implements AutoCloseable {
  private final BpfObject object;
  private final SubnetTable subnets;

  private KernelTables(BpfObject object) {
    this.object = object;
    this.subnets = Tables.of(object::map).subnets();
  }

  public static KernelTables load() {
    return new KernelTables(BpfObject.load(Libc.system(), PrebuiltObject.spec(), Map.of()));
  }

  public List<Failure> apply(List<Change> changes) {
    return subnets.apply(changes);
  }

  /** How many subnets are in the maps, read from the kernel. */
  public int size() {
    List<RemoteSubnet> remotes = new ArrayList<>();
    List<LocalSubnet> locals = new ArrayList<>();
    subnets.read(Vtep.VXLAN_PORT, remotes, locals);
    return remotes.size() + locals.size();
  }

  @Override
  public void close() {
    object.close();
  }
}
