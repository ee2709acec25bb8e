// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.agent.socket.OverlayOperations;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import java.util.stream.Collectors;

/** Whether containers can be added: STATUS. */
final class Health {
  /** The subnet's own address, its gateway's, and the last. */
  private static final int RESERVED = 3;

  private final OverlayOperations overlay;

  Health(OverlayOperations overlay) {
    this.overlay = overlay;
  }

  /**
   * @throws CniException when an ADD would fail
   */
  void check(Configuration configuration) {
    configuration.requireKnownKeys();
    OverlayStatus status = overlay.status();
    if (!status.fenced().isEmpty()) {
      throw new CniException(
          CniCode.LIMITED_CONNECTIVITY,
          "This host's lease of %s is in doubt, and its containers are cut off until the store says otherwise."
              .formatted(
                  status.fenced().stream()
                      .map(Subnet::toString)
                      .collect(Collectors.joining(", "))));
    }
    if (status.leases().isEmpty()) {
      throw new CniException(
          CniCode.LIMITED_CONNECTIVITY, "This host has no lease of a subnet; look at its status.");
    }
    status.leases().forEach(lease -> requireRoom(lease.subnet().prefix(), status));
  }

  private static void requireRoom(IpPrefix subnet, OverlayStatus status) {
    int hostBits = subnet.family().addressBits() - subnet.length();
    if (hostBits >= Integer.SIZE - 1) {
      return; // more than this host could ever fill
    }
    long taken =
        status.endpoints().stream()
            .filter(endpoint -> endpoint.addresses().stream().anyMatch(subnet::contains))
            .count();
    if (taken >= (1L << hostBits) - RESERVED) {
      throw new CniException(
          CniCode.NOT_AVAILABLE,
          "The subnet %s has no free address: %d containers fill it.".formatted(subnet, taken));
    }
  }
}
