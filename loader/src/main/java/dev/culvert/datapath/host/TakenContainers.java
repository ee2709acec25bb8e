// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.Endpoint;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Containers whose interface somebody deleted, as long as their namespace lives: they may as well
 * have ended, so they are told and not made anew. Any thread may use it.
 */
public final class TakenContainers {
  private final Netlink netlink;
  private final Ownership ownership;

  /** By interface index, since an interface that is gone no longer says whose it was. */
  private final Map<Integer, String> aliases = new ConcurrentHashMap<>();

  private final Map<Path, Endpoint> taken = new TreeMap<>();

  public TakenContainers(Netlink netlink, Ownership ownership) {
    this.netlink = netlink;
    this.ownership = ownership;
  }

  /**
   * Remembers what an interface is called; somebody may change it later.
   *
   * @return the first that was remembered while it was ours
   */
  public String alias(LinkInfo device) {
    return ownership.owns(device)
        ? aliases.merge(device.index(), device.alias(), (_, now) -> now)
        : aliases.getOrDefault(device.index(), device.alias());
  }

  /** Whether an interface was ours when it was last looked at. */
  public boolean knows(int interfaceIndex) {
    return aliases.containsKey(interfaceIndex);
  }

  /** Forgets an interface that nobody misses. */
  public void forget(int interfaceIndex) {
    aliases.remove(interfaceIndex);
  }

  /** Notes that an endpoint's interface is gone. */
  public synchronized void note(Endpoint endpoint) {
    String alias = aliases.remove(endpoint.interfaceIndex());
    if (alias != null) {
      ownership.netns(alias).ifPresent(netns -> taken.put(netns, endpoint));
    }
  }

  /** A sentence for each. */
  public synchronized List<String> told() {
    if (taken.isEmpty()) {
      return List.of();
    }
    Set<Path> attached =
        netlink.links().stream()
            .filter(link -> link.kind().equals("veth") && ownership.owns(link))
            .flatMap(link -> ownership.netns(link).stream())
            .collect(Collectors.toSet());
    taken.keySet().removeIf(netns -> attached.contains(netns) || !Files.exists(netns));
    return taken.entrySet().stream()
        .map(entry ->
            "Somebody deleted the interface of the container "
                + IpAddresses.text(entry.getValue().address())
                + " ("
                + entry.getKey()
                + "), and the container is out of the overlay: attach it anew.")
        .toList();
  }
}
