// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A host's tables in memory, or wherever else changes of them are written; all other hosts are
 * behind one router. It has no containers.
 */
final class MemoryTables implements Datapath {
  private final Map<Subnet, RemoteSubnet> remotes = new HashMap<>(); // guarded by this
  private final Map<Subnet, LocalSubnet> locals = new HashMap<>(); // guarded by this
  private final Function<List<Change>, List<Failure>> write;
  private volatile Consumer<Change> listener = _ -> {};
  private volatile Optional<Identity> identity = Optional.empty();

  /**
   * @param write where changes go besides
   */
  MemoryTables(Function<List<Change>, List<Failure>> write) {
    this.write = write;
  }

  /** Nowhere else. */
  MemoryTables() {
    this(_ -> List.of());
  }

  /** Told of each change once it is written, on the thread that wrote it. */
  void onChange(Consumer<Change> told) {
    listener = told;
  }

  synchronized int size() {
    return remotes.size();
  }

  @Override
  public void start(Vni vni, Vtep vtep, List<Gateway> gateways) {
    identity = Optional.of(new Identity(vni, vtep, gateways, new InterfaceName("eth0")));
  }

  @Override
  public Optional<Identity> identity() {
    return identity;
  }

  @Override
  public int port() {
    return Vtep.VXLAN_PORT;
  }

  @Override
  public List<Failure> apply(List<Change> changes) {
    List<Failure> failures = write.apply(changes);
    synchronized (this) {
      for (Change change : changes) {
        switch (change) {
          case Change.PutRemote(RemoteSubnet remote) -> remotes.put(remote.subnet(), remote);
          case Change.PutLocal(LocalSubnet local) -> locals.put(local.subnet(), local);
          case Change.RemoveSubnet(Subnet subnet) -> {
            remotes.remove(subnet);
            locals.remove(subnet);
          }
          case Change.PutEndpoint _, Change.RemoveEndpoint _ ->
              throw new IllegalArgumentException("there are no containers here");
        }
      }
    }
    changes.forEach(listener);
    return failures;
  }

  @Override
  public synchronized State read() {
    return new State(List.copyOf(remotes.values()), List.copyOf(locals.values()), List.of());
  }

  @Override
  public Map<Verdict, Counter> counters() {
    return Map.of();
  }

  @Override
  public Optional<NextHop> nextHop(InetAddress underlayAddress) {
    return Optional.of(new NextHop(2, Hosts.ROUTER, Hosts.ROUTER, 1500, false));
  }

  @Override
  public int overlayMtuBytes(InetAddress underlayAddress) {
    return 1450;
  }

  @Override
  public Endpoint attach(Attachment attachment) {
    throw new UnsupportedOperationException("there are no containers here");
  }

  @Override
  public void attachBridge(InterfaceName bridge, List<Subnet> subnets) {
    throw new UnsupportedOperationException("there are no bridges here");
  }

  @Override
  public void detachBridge(InterfaceName bridge) {}

  @Override
  public void detach(Vni vni, InetAddress address) {}

  @Override
  public AutoCloseable watch(Runnable changed) {
    return () -> {};
  }

  @Override
  public synchronized void remove() {
    remotes.clear();
    locals.clear();
  }

  @Override
  public void close() {}
}
