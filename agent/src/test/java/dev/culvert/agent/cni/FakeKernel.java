// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Interfaces as a test says that they are. */
final class FakeKernel implements Kernel {
  final Map<String, Sandbox> sandboxes = new HashMap<>();
  final Map<Integer, HostEnd> hostEnds = new HashMap<>();

  @Override
  public Optional<Sandbox> look(Path netns, InterfaceName interfaceName) {
    return Optional.ofNullable(sandboxes.get(netns + " " + interfaceName));
  }

  @Override
  public Optional<HostEnd> hostEnd(int interfaceIndex) {
    return Optional.ofNullable(hostEnds.get(interfaceIndex));
  }
}
