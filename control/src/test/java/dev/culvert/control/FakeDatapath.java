// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Attachment;
import dev.culvert.datapath.Change;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.Wires;
import dev.culvert.kernel.InterfaceName;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A host's tables in memory. They outlive the overlay, as the kernel's do. */
public final class FakeDatapath implements Datapath {
  private static final int BRIDGE_INDEX = 77;

  private final Map<Subnet, RemoteSubnet> remotes = new TreeMap<>();
  private final Map<Subnet, LocalSubnet> locals = new TreeMap<>();
  private final Map<InetAddress, Endpoint> endpoints = new HashMap<>();
  private final Map<InetAddress, NextHop> nextHops = new HashMap<>();
  private final Set<InetAddress> vanished = new HashSet<>();
  private final List<Change> applied = new ArrayList<>();
  private final List<Runnable> listeners = new ArrayList<>();
  private final List<Attachment> attachments = new ArrayList<>();
  private Predicate<Change> refuses = _ -> false;
  private RuntimeException startFailure;
  private Error applyError;
  private Vtep vtep;
  private Vni startedVni;
  private List<Gateway> gateways = List.of();
  private String word;
  private boolean removed;
  private int nextIndex = 100;
  private int mtuBytes = 1450;
  private int port = 4789;
  private boolean takesTwo = true;
  private final List<Wires> taken = new ArrayList<>();
  private int refreshes;
  private Consumer<Set<Subnet>> forwarding = _ -> {};

  public FakeDatapath() {}

  /**
   * Tells which subnets it forwards whenever that may have changed, on the thread that changed it
   * and before anybody can see it otherwise.
   */
  public synchronized void onForwarding(Consumer<Set<Subnet>> listener) {
    forwarding = listener;
  }

  private void tellForwarding() {
    forwarding.accept(Set.copyOf(locals.keySet()));
  }

  synchronized void refuse(Predicate<Change> changes) {
    refuses = changes;
  }

  /** Each {@link #apply} ends with this; null for none. */
  synchronized void failWith(Error error) {
    applyError = error;
  }

  synchronized void failStart(RuntimeException failure) {
    startFailure = failure;
  }

  synchronized void setMtu(int bytes) {
    mtuBytes = bytes;
  }

  /** The kernel's routing changes and says so. */
  void route(String vtepAddress, NextHop nextHop) {
    List<Runnable> told;
    synchronized (this) {
      if (nextHop == null) {
        nextHops.remove(Fixtures.address(vtepAddress));
      } else {
        nextHops.put(Fixtures.address(vtepAddress), nextHop);
      }
      told = List.copyOf(listeners);
    }
    told.forEach(Runnable::run);
  }

  /** A container ends and takes its interface along. */
  void vanish(InetAddress address) {
    List<Runnable> told;
    synchronized (this) {
      vanished.add(address);
      told = List.copyOf(listeners);
    }
    told.forEach(Runnable::run);
  }

  /** Somebody else empties our tables. */
  synchronized void flush() {
    remotes.clear();
    locals.clear();
  }

  synchronized List<Change> applied() {
    return List.copyOf(applied);
  }

  synchronized List<Attachment> attachments() {
    return List.copyOf(attachments);
  }

  /** As {@link #read} has them, and nothing else. */
  public synchronized List<LocalSubnet> locals() {
    return List.copyOf(locals.values());
  }

  synchronized Vtep vtep() {
    return vtep;
  }

  synchronized List<Gateway> gateways() {
    return gateways;
  }

  synchronized boolean isRemoved() {
    return removed;
  }

  synchronized int listeners() {
    return listeners.size();
  }

  @Override
  public synchronized void start(Vni vni, Vtep own, List<Gateway> served) {
    if (startFailure != null) {
      throw startFailure;
    }
    vtep = own;
    startedVni = vni;
    removed = false;
    gateways = List.copyOf(served);
  }

  @Override
  public synchronized Optional<Identity> identity() {
    return Optional.ofNullable(vtep)
        .filter(_ -> !removed)
        .map(own -> new Identity(startedVni, own, gateways, new InterfaceName("eth0")));
  }

  @Override
  public synchronized void remember(String text) {
    word = text;
  }

  @Override
  public synchronized Optional<String> remembered() {
    return Optional.ofNullable(word);
  }

  @Override
  public synchronized int port() {
    return port;
  }

  synchronized void setPort(int other) {
    taken.clear();
    port = other;
  }

  /** As a datapath that has one socket. */
  synchronized void takeOneAlone() {
    takesTwo = false;
  }

  /** What it was told to take, one after the other. */
  synchronized List<Wires> taken() {
    return List.copyOf(taken);
  }

  @Override
  public synchronized boolean takesTwoWires() {
    return takesTwo;
  }

  @Override
  public synchronized boolean takes(int udpPort) {
    return udpPort == port || (!taken.isEmpty() && taken.getLast().other().port() == udpPort);
  }

  @Override
  public synchronized void take(Vni network, Wires wires) {
    if (taken.isEmpty() || !taken.getLast().equals(wires)) {
      taken.add(wires);
    }
    port = wires.own().port();
  }

  @Override
  public synchronized List<Failure> apply(List<Change> changes) {
    if (applyError != null) {
      throw applyError;
    }
    List<Failure> failures = new ArrayList<>();
    for (Change change : changes) {
      if (refuses.test(change)) {
        failures.add(new Failure(change, new IllegalStateException("map full (E2BIG)")));
        continue;
      }
      applied.add(change);
      switch (change) {
        case Change.PutRemote(RemoteSubnet remote) -> {
          locals.remove(remote.subnet());
          remotes.put(remote.subnet(), remote);
        }
        case Change.PutLocal(LocalSubnet local) -> {
          remotes.remove(local.subnet());
          locals.put(local.subnet(), local);
        }
        case Change.RemoveSubnet(Subnet subnet) -> {
          remotes.remove(subnet);
          locals.remove(subnet);
        }
        case Change.PutEndpoint(Endpoint endpoint) -> endpoints.put(endpoint.address(), endpoint);
        case Change.RemoveEndpoint(Vni _, InetAddress address) -> endpoints.remove(address);
      }
    }
    tellForwarding();
    return failures;
  }

  @Override
  public synchronized State read() {
    return new State(
        List.copyOf(remotes.values()),
        List.copyOf(locals.values()),
        List.copyOf(endpoints.values()));
  }

  @Override
  public Map<Verdict, Counter> counters() {
    return Map.of();
  }

  @Override
  public synchronized Optional<NextHop> nextHop(InetAddress underlayAddress) {
    return Optional.ofNullable(nextHops.get(underlayAddress));
  }

  @Override
  public synchronized int overlayMtuBytes(InetAddress underlayAddress) {
    return mtuBytes;
  }

  @Override
  public synchronized boolean refresh() {
    refreshes++;
    return false;
  }

  synchronized int refreshes() {
    return refreshes;
  }

  @Override
  public synchronized List<Endpoint> vanishedEndpoints() {
    return endpoints.values().stream()
        .filter(endpoint -> vanished.contains(endpoint.address()))
        .toList();
  }

  @Override
  public synchronized Optional<Endpoint> attached(Vni vni, ContainerEnd wanted) {
    return endpoints.values().stream()
        .filter(endpoint -> endpoint.vni().equals(vni))
        .filter(endpoint ->
            endpoint
                .container()
                .filter(container -> container.netns().equals(wanted.netns()))
                .filter(container -> container.interfaceName().equals(wanted.interfaceName()))
                .isPresent())
        .findFirst();
  }

  @Override
  public synchronized Endpoint attach(Attachment attachment) {
    attachments.add(attachment);
    int index = nextIndex++;
    Endpoint endpoint =
        new Endpoint(
            attachment.vni(),
            attachment.addresses().stream().map(Attachment.Address::address).toList(),
            new MacAddress(0x02_00_00_00_00_00L + index),
            new Endpoint.HostEnd(index, new MacAddress(0x02_00_00_01_00_00L + index), true),
            Optional.of(attachment.container()));
    endpoints.put(endpoint.address(), endpoint);
    return endpoint;
  }

  @Override
  public synchronized void attachBridge(InterfaceName bridge, List<Subnet> subnets) {
    subnets.forEach(subnet -> locals.put(subnet, new LocalSubnet(subnet, BRIDGE_INDEX)));
    tellForwarding();
  }

  @Override
  public synchronized void detachBridge(InterfaceName bridge) {
    locals.replaceAll((subnet, _) -> new LocalSubnet(subnet, 0));
  }

  @Override
  public synchronized void detach(Vni vni, InetAddress address) {
    endpoints.values().removeIf(endpoint -> endpoint.addresses().contains(address));
    vanished.remove(address);
  }

  @Override
  public synchronized AutoCloseable watch(Runnable listener) {
    listeners.add(listener);
    return () -> {
      synchronized (this) {
        listeners.remove(listener);
      }
    };
  }

  @Override
  public synchronized void remove() {
    flush();
    endpoints.clear();
    word = null;
    removed = true;
    tellForwarding();
  }

  @Override
  public void close() {}
}
