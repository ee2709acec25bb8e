// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Nic;
import dev.culvert.cni.conformance.plugin.NetworkConfig;
import java.util.Optional;

/** One container in one network by one interface. */
record Attachment(Container container, String ifname, NetworkConfig network) {
  /** The interface as the kernel has it. */
  Optional<Nic> nic() {
    return container.namespace().find(ifname);
  }
}
