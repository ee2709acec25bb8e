// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.host.Ownership;
import dev.culvert.datapath.pin.Pins;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * For whom the interfaces of endpoints are, as far as aliases and pins tell somebody who only
 * reads. Seen from another network namespace than the agent's, an interface of the same number is
 * another one, and has no alias of ours.
 */
final class ContainerNames {
  private final Ownership ownership;
  private final ContainerLinks links;
  private final Map<Integer, LinkInfo> byIndex;

  ContainerNames(Libc libc, Pins pins) {
    this.ownership = new Ownership(pins.instance());
    this.links = new ContainerLinks(new PinnedLinks(libc, pins));
    try (Netlink netlink = Netlink.open(libc)) {
      this.byIndex =
          netlink.links().stream().collect(Collectors.toMap(LinkInfo::index, Function.identity()));
    }
  }

  Datapath.State name(Datapath.State state) {
    return new Datapath.State(
        state.remotes(), state.locals(), state.endpoints().stream().map(this::name).toList());
  }

  private Endpoint name(Endpoint endpoint) {
    return endpoint.withContainer(
        Optional.ofNullable(byIndex.get(endpoint.interfaceIndex()))
            .map(LinkInfo::alias)
            .flatMap(ownership::container)
            .or(() -> links.noted(Containers.where(endpoint))));
  }
}
