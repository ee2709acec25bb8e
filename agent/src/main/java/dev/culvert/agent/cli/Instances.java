// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.daemon.MountNamespace;
import dev.culvert.agent.socket.Instance;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Finds the agents of this machine by their pins and their control sockets. */
final class Instances {
  private static final String SOCKET_SUFFIX = ".sock";

  private Instances() {}

  /**
   * The named one, or the only one.
   *
   * @throws UserException when there is none, or several and none is named
   */
  static Instance choose(Path bpffs, Path runDirectory, Optional<String> host) {
    SortedSet<String> all = new TreeSet<>(hosts(bpffs));
    all.addAll(listening(runDirectory));
    List<String> hosts = List.copyOf(all);
    if (host.isPresent()) {
      Instance named = Instance.of(bpffs, runDirectory, host.get());
      if (!hosts.contains(host.get()) && !Files.exists(named.socket())) {
        throw new UserException(noSuchHost(bpffs, host.get(), hosts));
      }
      return named;
    }
    if (hosts.isEmpty()) {
      throw new UserException(nothing(bpffs));
    }
    if (hosts.size() > 1) {
      throw new UserException(
          "There are several agents on this machine; choose one with --host: "
              + String.join(", ", hosts)
              + ".");
    }
    return Instance.of(bpffs, runDirectory, hosts.getFirst());
  }

  static List<String> hosts(Path bpffs) {
    Path folder = Instance.folder(bpffs);
    try (Stream<Path> children = Files.list(folder)) {
      return children
          .filter(Files::isDirectory)
          .map(child -> Instance.hostOf(child.getFileName().toString()))
          .sorted()
          .toList();
    } catch (AccessDeniedException e) {
      throw new UserException(folder + " may not be read; try it as root.", e);
    } catch (IOException notThere) {
      return List.of();
    }
  }

  /** Agents that carry packets themselves pin nothing, but have a socket. */
  private static List<String> listening(Path runDirectory) {
    try (Stream<Path> children = Files.list(runDirectory)) {
      return children
          .map(child -> child.getFileName().toString())
          .filter(name -> name.endsWith(SOCKET_SUFFIX))
          .map(name -> name.substring(0, name.length() - SOCKET_SUFFIX.length()))
          .toList();
    } catch (IOException notThere) {
      return List.of();
    }
  }

  private static String noSuchHost(Path bpffs, String host, List<String> hosts) {
    return hosts.isEmpty()
        ? nothing(bpffs)
        : "There is no agent for host %s on this machine, only for %s."
            .formatted(host, String.join(", ", hosts));
  }

  /** Why nothing is there, as far as one can tell. */
  private static String nothing(Path bpffs) {
    Optional<String> hidden = MountNamespace.hidden(bpffs);
    if (hidden.isPresent()) {
      return hidden.get();
    }
    if (!MountNamespace.isBpfFileSystem(bpffs)) {
      return bpffs
          + " is no bpf file system, so no agent has run since this machine started; start one:"
          + " culvert agent --config FILE.";
    }
    return "No agent has pinned anything below %s; start one: culvert agent --config FILE."
        .formatted(Instance.folder(bpffs));
  }
}
