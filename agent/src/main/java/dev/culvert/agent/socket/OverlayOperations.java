// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.kernel.InterfaceName;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What commands may ask of a running agent. Called by any thread; errors as those of {@link
 * dev.culvert.control.Overlay}.
 */
public interface OverlayOperations {
  OverlayStatus status();

  /** The tables, where they live in the agent's process; empty where the kernel has them. */
  default Optional<DatapathSnapshot> tables() {
    return Optional.empty();
  }

  /** Where outer headers come off, and why; empty where that is no question. */
  default Optional<DecapsulationChoice> decapsulation() {
    return Optional.empty();
  }

  Endpoint attach(ContainerEnd container, List<InetAddress> wanted);

  /** By the interface that somebody else made. */
  Endpoint attachExisting(ContainerEnd container);

  /** Detaches the endpoint that has an address, and says which it had. */
  List<InetAddress> detach(InetAddress address);

  /** Detaches every endpoint that has its other end in a namespace, and says which. */
  List<InetAddress> detachAll(Path netns);

  void attachBridge(InterfaceName bridge);

  void detachBridge(InterfaceName bridge);

  /** Leaves the network; the agent ends after its answer. */
  void leave();
}
