// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.daemon.MountNamespace;
import dev.culvert.agent.socket.Instance;
import dev.culvert.control.HostName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
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
    SortedSet<HostName> all = new TreeSet<>(hosts(bpffs));
    all.addAll(listening(runDirectory));
    List<HostName> hosts = List.copyOf(all);
    if (host.isPresent()) {
      HostName name = new HostName(host.get());
      Instance named = Instance.of(bpffs, runDirectory, name);
      if (!hosts.contains(name) && !Files.exists(named.socket())) {
        throw new UserException(noSuchHost(bpffs, name, hosts));
      }
      return named;
    }
    if (hosts.isEmpty()) {
      throw new UserException(nothing(bpffs));
    }
    if (hosts.size() > 1) {
      throw new UserException(
          "There are several agents on this machine; choose one with --host: "
              + joined(hosts)
              + ".");
    }
    return Instance.of(bpffs, runDirectory, hosts.getFirst());
  }

  static List<HostName> hosts(Path bpffs) {
    Path folder = Instance.folder(bpffs);
    try (Stream<Path> children = Files.list(folder)) {
      return children
          .filter(Files::isDirectory)
          .map(child -> Instance.hostOf(child.getFileName().toString()))
          .flatMap(Optional::stream)
          .sorted()
          .toList();
    } catch (AccessDeniedException e) {
      throw new UserException(folder + " may not be read; try it as root.", e);
    } catch (IOException notThere) {
      return List.of();
    }
  }

  /** Agents that carry packets themselves pin nothing, but have a socket. */
  private static List<HostName> listening(Path runDirectory) {
    try (Stream<Path> children = Files.list(runDirectory)) {
      return children
          .map(child -> child.getFileName().toString())
          .filter(name -> name.endsWith(SOCKET_SUFFIX))
          .map(name -> name.substring(0, name.length() - SOCKET_SUFFIX.length()))
          .filter(HostName::isValid)
          .map(HostName::new)
          .toList();
    } catch (IOException notThere) {
      return List.of();
    }
  }

  private static String noSuchHost(Path bpffs, HostName host, List<HostName> hosts) {
    return hosts.isEmpty()
        ? nothing(bpffs)
        : "There is no agent for host %s on this machine, only for %s."
            .formatted(host, joined(hosts));
  }

  private static String joined(List<HostName> hosts) {
    return hosts.stream().map(HostName::text).collect(Collectors.joining(", "));
  }

  /** Why nothing is there, as far as one can tell. */
  private static String nothing(Path bpffs) {
    Optional<String> hidden = MountNamespace.hidden(Libc.system(), bpffs);
    if (hidden.isPresent()) {
      return hidden.get();
    }
    if (!new BpfFileSystem(Libc.system()).contains(bpffs)) {
      return bpffs
          + " is no bpf file system, so no agent has run since this machine started; start one:"
          + " culvert agent --config FILE.";
    }
    return "No agent has pinned anything below %s; start one: culvert agent --config FILE."
        .formatted(Instance.folder(bpffs));
  }
}
