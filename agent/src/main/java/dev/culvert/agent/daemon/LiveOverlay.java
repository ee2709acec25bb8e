// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.socket.OverlayOperations;
import dev.culvert.control.Overlay;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** What the socket may ask, answered by the running overlay. Any thread may call. */
final class LiveOverlay implements OverlayOperations {
  /** Service managers ask more often than this; so long may one message take. */
  private static final Duration STUCK = Duration.ofSeconds(45);

  /** Changes wait while the membership is replaced; what only reads does not. */
  private final ReadWriteLock replacing = new ReentrantReadWriteLock();

  private final Libc libc;
  private final Runnable onLeft;
  private volatile Membership membership;

  /** While the membership is being replaced. */
  private volatile Optional<OverlayStatus> lastStatus = Optional.empty();

  /**
   * @param onLeft called when the overlay was left by request
   */
  LiveOverlay(Membership membership, Libc libc, Runnable onLeft) {
    this.membership = membership;
    this.libc = libc;
    this.onLeft = onLeft;
  }

  Membership membership() {
    return membership;
  }

  /** Puts another membership in the place of this one; requests wait for it. */
  void replace(UnaryOperator<Membership> change) {
    replacing.writeLock().lock();
    try {
      lastStatus = Optional.of(membership.status());
      membership = change.apply(membership);
    } finally {
      lastStatus = Optional.empty();
      replacing.writeLock().unlock();
    }
  }

  /** Whether the thread that follows the other hosts still comes back to its messages. */
  boolean isAlive() {
    return membership.overlay().busyFor().compareTo(STUCK) < 0;
  }

  private <T> T change(Function<Overlay, T> request) {
    replacing.readLock().lock();
    try {
      return request.apply(membership.overlay());
    } finally {
      replacing.readLock().unlock();
    }
  }

  @Override
  public OverlayStatus status() {
    return lastStatus.isPresent() ? lastStatus.get() : membership.status();
  }

  @Override
  public Optional<DatapathSnapshot> tables() {
    return membership.tables();
  }

  @Override
  public Optional<DecapsulationChoice> decapsulation() {
    return membership.decapsulation();
  }

  @Override
  public Endpoint attach(ContainerEnd container, List<InetAddress> wanted) {
    return change(overlay -> overlay.attach(container, wanted));
  }

  @Override
  public Endpoint attachExisting(ContainerEnd container) {
    return change(overlay -> overlay.attachExisting(container));
  }

  @Override
  public List<InetAddress> detach(InetAddress address) {
    return change(overlay -> {
      Endpoint known =
          overlay.status().endpoints().stream()
              .filter(endpoint -> endpoint.addresses().contains(address))
              .findFirst()
              .orElseThrow(() ->
                  new UserException(
                      "No container of this host has the address "
                          + IpAddresses.text(address)
                          + "; \"culvert endpoints\" lists those that there are."));
      overlay.detach(address);
      return known.addresses();
    });
  }

  @Override
  public List<InetAddress> detachAll(Path netns) {
    return change(overlay -> {
      List<Endpoint> inside = endpointsIn(overlay, netns);
      if (inside.isEmpty()) {
        throw new UserException(
            "The namespace " + netns + " has no interface in the overlay of this host.");
      }
      inside.forEach(endpoint -> overlay.detach(endpoint.address()));
      return inside.stream().flatMap(endpoint -> endpoint.addresses().stream()).toList();
    });
  }

  /** By MAC, since another network's container may have the same address. */
  private List<Endpoint> endpointsIn(Overlay overlay, Path netns) {
    try (NetNamespace namespace = NetNamespace.open(libc, netns);
        Netlink netlink = Netlink.open(libc, namespace)) {
      List<byte[]> macs = netlink.links().stream().map(LinkInfo::mac).toList();
      return overlay.status().endpoints().stream()
          .filter(Endpoint::peer)
          .filter(endpoint ->
              macs.stream().anyMatch(mac -> Arrays.equals(mac, endpoint.mac().toBytes())))
          .toList();
    }
  }

  @Override
  public void attachBridge(InterfaceName bridge) {
    run(overlay -> overlay.attachBridge(bridge));
  }

  @Override
  public void detachBridge(InterfaceName bridge) {
    run(overlay -> overlay.detachBridge(bridge));
  }

  @Override
  public void leave() {
    run(Overlay::leave);
    onLeft.run();
  }

  private void run(Consumer<Overlay> request) {
    boolean _ =
        change(overlay -> {
          request.accept(overlay);
          return true;
        });
  }
}
