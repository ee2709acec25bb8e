// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.datapath.Vtep;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** An etcd of a test's own, on loopback: it ends with the test, and its files are removed. */
final class EtcdProcess implements AutoCloseable {
  private static final int START_SECONDS = 20;

  private final Path folder;
  private final int clientPort;
  private final int peerPort;
  private final EtcdConfig.Tls tls;
  private final List<String> more;
  private Process process;

  private EtcdProcess(Path folder, EtcdConfig.Tls tls, List<String> more) {
    int[] ports = freePorts();
    this.folder = folder;
    this.clientPort = ports[0];
    this.peerPort = ports[1];
    this.tls = tls;
    this.more = more;
  }

  /**
   * Starts one and waits until it serves.
   *
   * @param more arguments
   */
  static EtcdProcess start(String... more) throws Exception {
    return startTls(EtcdConfig.Tls.DEFAULT, more);
  }

  /**
   * Starts one, with TLS where certificates are named.
   *
   * @param tls how to ask it
   */
  static EtcdProcess startTls(EtcdConfig.Tls tls, String... more) throws Exception {
    EtcdProcess etcd =
        new EtcdProcess(Files.createTempDirectory("culvert-etcd-"), tls, List.of(more));
    etcd.restart();
    return etcd;
  }

  /** Two at once: one after the other could be the same. */
  private static int[] freePorts() {
    try (ServerSocket one = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket two = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new int[] {one.getLocalPort(), two.getLocalPort()};
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path folder() {
    return folder;
  }

  URI endpoint() {
    return URI.create(scheme() + "://127.0.0.1:" + clientPort);
  }

  URI endpoint6() {
    return URI.create(scheme() + "://[::1]:" + clientPort);
  }

  private String scheme() {
    return tls.equals(EtcdConfig.Tls.DEFAULT) ? "http" : "https";
  }

  EtcdConfig config(String prefix) {
    return new EtcdConfig(List.of(endpoint()), prefix, tls, Optional.empty(), Vtep.VXLAN_PORT);
  }

  /** Starts it on what it left, and waits until it answers, if only by asking for a password. */
  void restart() throws Exception {
    restartUnchecked();
    awaitServing();
  }

  /** For one that will not be spoken to. */
  void restartUnchecked() throws Exception {
    String peer = "http://127.0.0.1:" + peerPort;
    List<String> command =
        new ArrayList<>(
            List.of(
                "etcd",
                "--data-dir=" + folder.resolve("data"),
                "--listen-client-urls=" + endpoint() + "," + endpoint6(),
                "--advertise-client-urls=" + endpoint(),
                "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer,
                "--initial-cluster=default=" + peer));
    command.addAll(more);
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  private void awaitServing() throws Exception {
    for (int i = 0; i < START_SECONDS * 20; i++) {
      try (Gateway gateway = new Gateway(config("/any"))) {
        var _ = gateway.call("kv/range", Requests.get("/any"), Gateway.Kind.READ);
        return;
      } catch (dev.culvert.control.LeaseStoreException e) {
        if (e.getMessage().contains("passwordFile")) {
          return;
        }
        if (!process.isAlive()) {
          break;
        }
        Thread.sleep(50);
      }
    }
    throw new AssertionError("etcd does not serve: " + Files.readString(folder.resolve("log")));
  }

  void kill() throws Exception {
    process.destroyForcibly();
    process.waitFor(10, TimeUnit.SECONDS);
  }

  /** Keeps what it holds; it must not run. */
  void backUp() throws Exception {
    copy(folder.resolve("data"), folder.resolve("backup"));
  }

  /** All that it held is gone; it must not run. */
  void wipe() throws Exception {
    remove(folder.resolve("data"));
  }

  /** Puts back what was kept; it must not run. */
  void restoreBackUp() throws Exception {
    wipe();
    copy(folder.resolve("backup"), folder.resolve("data"));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
  }

  private static void remove(Path tree) throws IOException {
    try (var files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    try {
      kill();
      remove(folder);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
