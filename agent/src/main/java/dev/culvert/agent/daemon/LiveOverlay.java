// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.socket.OverlayOperations;
import dev.culvert.control.Overlay;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.NetNamespace;
import dev.culvert.kernel.Netlink;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What the socket may ask, answered by the running overlay. */
final class LiveOverlay implements OverlayOperations {
  private final Membership membership;
  private final Overlay overlay;
  private final Libc libc;
  private final Runnable onLeft;

  /**
   * @param onLeft called when the overlay was left by request
   */
  LiveOverlay(Membership membership, Libc libc, Runnable onLeft) {
    this.membership = membership;
    this.overlay = membership.overlay();
    this.libc = libc;
    this.onLeft = onLeft;
  }

  @Override
  public OverlayStatus status() {
    return membership.status();
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
  public Endpoint attach(Path netns, String interfaceName, List<InetAddress> wanted) {
    return overlay.attach(netns, interfaceName, wanted);
  }

  @Override
  public Endpoint attachExisting(Path netns, String interfaceName) {
    return overlay.attachExisting(netns, interfaceName);
  }

  @Override
  public List<InetAddress> detach(InetAddress address) {
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
  }

  @Override
  public List<InetAddress> detachAll(Path netns) {
    List<Endpoint> inside = endpointsIn(netns);
    if (inside.isEmpty()) {
      throw new UserException(
          "The namespace " + netns + " has no interface in the overlay of this host.");
    }
    inside.forEach(endpoint -> overlay.detach(endpoint.address()));
    return inside.stream().flatMap(endpoint -> endpoint.addresses().stream()).toList();
  }

  /** By MAC, since another network's container may have the same address. */
  private List<Endpoint> endpointsIn(Path netns) {
    try (NetNamespace namespace = NetNamespace.open(libc, netns);
        Netlink netlink = Netlink.open(libc, namespace)) {
      List<byte[]> macs = netlink.links().stream().map(Netlink.LinkInfo::mac).toList();
      return overlay.status().endpoints().stream()
          .filter(Endpoint::peer)
          .filter(endpoint ->
              macs.stream().anyMatch(mac -> Arrays.equals(mac, endpoint.mac().toBytes())))
          .toList();
    }
  }

  @Override
  public void attachBridge(String bridge) {
    overlay.attachBridge(bridge);
  }

  @Override
  public void detachBridge(String bridge) {
    overlay.detachBridge(bridge);
  }

  @Override
  public void leave() {
    overlay.leave();
    onLeft.run();
  }
}
