// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.lab.Command;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Running;
import dev.culvert.lab.Shell;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** One etcd, in a namespace of its own or on an address of the loopback's. */
final class EtcdMember {
  static final int CLIENT_PORT = 2379;
  static final int PEER_PORT = 2380;

  /** For who administers it; never cut off. */
  private static final int ADMIN_PORT = 2378;

  final String name;
  final String namespace;
  private final String address;
  private final Path folder;
  private final Shell shell;
  private final Optional<Security> security;
  private Running process;
  private boolean stopped;

  /**
   * @param namespace empty for this process's own
   */
  EtcdMember(
      Shell shell, String namespace, String address, Path folder, Optional<Security> security) {
    this.shell = shell;
    this.namespace = namespace;
    this.address = address;
    this.folder = folder;
    this.security = security;
    this.name = folder.getFileName().toString();
  }

  URI endpoint() {
    String scheme = security.isPresent() ? "https" : "http";
    return URI.create(scheme + "://" + address + ":" + CLIENT_PORT);
  }

  URI adminEndpoint() {
    return URI.create("http://" + address + ":" + ADMIN_PORT);
  }

  String peer() {
    return "http://" + address + ":" + PEER_PORT;
  }

  boolean isRunning() {
    return process != null && process.alive() && !stopped;
  }

  /**
   * Starts it, on what it left.
   *
   * @param cluster as {@code --initial-cluster} wants it; counts where it left nothing
   */
  void start(String cluster) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new LabException("Cannot make " + folder + ": " + e.getMessage() + ".", e);
    }
    List<String> words =
        new ArrayList<>(
            List.of(
                "etcd",
                "--name=" + name,
                "--data-dir=" + data(),
                "--listen-client-urls=" + endpoint() + "," + adminEndpoint(),
                "--advertise-client-urls=" + endpoint(),
                "--listen-peer-urls=" + peer(),
                "--initial-advertise-peer-urls=" + peer(),
                "--initial-cluster=" + cluster,
                "--bcrypt-cost=4", // of the few processors here none is for passwords
                "--log-level=error"));
    security.map(Security::arguments).ifPresent(words::addAll);
    Command etcd = Command.of(words);
    process = shell.start(namespace.isEmpty() ? etcd : etcd.in(namespace), folder.resolve("log"));
  }

  private Path data() {
    return folder.resolve("data");
  }

  void kill() {
    if (process != null) {
      process.kill();
      stopped = false;
    }
  }

  void freeze() {
    signal("STOP");
    stopped = true;
  }

  void thaw() {
    signal("CONT");
    stopped = false;
  }

  private void signal(String signal) {
    Command kill = Command.of("sh", "-c", "kill -" + signal + " " + process.pid());
    shell.check(kill.within(Links.PATIENCE));
  }

  /** All that it held is gone; it must not run. */
  void wipe() {
    remove(data());
  }

  /** Keeps what it holds; it must not run. */
  void backUp() {
    remove(folder.resolve("backup"));
    copy(data(), folder.resolve("backup"));
  }

  /** Puts back what was kept; it must not run. */
  void restore() {
    wipe();
    copy(folder.resolve("backup"), data());
  }

  private void copy(Path from, Path to) {
    Command cp = Command.of("cp", "-a", from.toString(), to.toString());
    shell.check(cp.within(Links.PATIENCE));
  }

  private static void remove(Path tree) {
    if (!Files.exists(tree)) {
      return;
    }
    try (Stream<Path> all = Files.walk(tree)) {
      List<Path> files = all.sorted(Comparator.reverseOrder()).toList();
      for (Path file : files) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new LabException("Cannot remove " + tree + ": " + e.getMessage() + ".", e);
    }
  }
}
