// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the network namespace that a host's interfaces are in, with or without a living agent: the
 * one of this command, of the agent, or one with a name, where the device culvert0 is that host's.
 */
final class HostNamespace {
  private HostNamespace() {}

  /** To be closed by the caller; empty when it is none of these. */
  static Optional<NetNamespace> find(Libc libc, Instance instance) {
    for (Path candidate : candidates(instance)) {
      Optional<NetNamespace> open = open(libc, candidate);
      if (open.isPresent()) {
        NetNamespace namespace = open.get();
        if (isHost(libc, namespace, instance)) {
          return open;
        }
        namespace.close();
      }
    }
    return Optional.empty();
  }

  /**
   * @throws UserException when it is not found
   */
  static NetNamespace require(Libc libc, Instance instance) {
    return find(libc, instance)
        .orElseThrow(() ->
            new UserException(
                "The network namespace of host %s, with its device culvert0, is neither this one nor one with a name (ip netns list); run this inside it: nsenter --net=FILE culvert ..."
                    .formatted(instance.host())));
  }

  private static List<Path> candidates(Instance instance) {
    List<Path> candidates = new ArrayList<>();
    candidates.add(Path.of("/proc/self/ns/net"));
    InstanceLock.last(instance.lock())
        .map(holder -> Path.of("/proc", Long.toString(holder.pid()), "ns", "net"))
        .ifPresent(candidates::add);
    try (Stream<Path> names = Files.list(NetNamespace.NAMES)) {
      names.sorted().forEach(candidates::add);
    } catch (IOException none) {
      return candidates;
    }
    return candidates;
  }

  /** Namespaces come and go while we look. */
  private static Optional<NetNamespace> open(Libc libc, Path path) {
    try {
      return Optional.of(NetNamespace.open(libc, path));
    } catch (KernelException gone) {
      return Optional.empty();
    }
  }

  private static boolean isHost(Libc libc, NetNamespace namespace, Instance instance) {
    try {
      return namespace.run(() -> EbpfDatapath.livesHere(libc, instance.pins()));
    } catch (KernelException notForUs) {
      return false;
    }
  }
}
