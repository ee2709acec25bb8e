// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.Netlink;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Names of a host's interfaces. Those that it has not met yet it asks the kernel for. */
final class InterfaceNames implements AutoCloseable {
  private final Optional<Netlink> netlink;
  private final Map<Integer, String> names = new HashMap<>();

  /**
   * @param namespace the host's; without one, numbers stand for names
   */
  InterfaceNames(Libc libc, Optional<NetNamespace> namespace) {
    // The socket stays in the namespace in which it was opened.
    this.netlink = namespace.map(n -> n.run(() -> Netlink.open(libc)));
  }

  String of(int index) {
    String known = names.get(index);
    if (known == null && netlink.isPresent()) {
      netlink.get().links().forEach(link -> names.put(link.index(), link.name()));
      known = names.get(index);
    }
    return known == null ? "interface " + index : known;
  }

  @Override
  public void close() {
    netlink.ifPresent(Netlink::close);
  }
}
