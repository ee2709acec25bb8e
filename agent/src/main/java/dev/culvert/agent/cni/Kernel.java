// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.util.Optional;

/** What is looked up in the kernel, beside what the overlay knows. Any thread may call. */
public interface Kernel {
  /**
   * An interface of a container; empty when it has none of that name.
   *
   * @throws NoSuchContainerException when there is no such namespace
   */
  Optional<Sandbox> look(Path netns, InterfaceName interfaceName);

  /** What the host calls one of its interfaces; empty when it is gone. */
  Optional<HostEnd> hostEnd(int interfaceIndex);

  /** The host's end of a pair. */
  record HostEnd(String name, int mtuBytes) {}
}
