// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.store;

import dev.culvert.control.Lease;
import dev.culvert.control.store.LeaseText;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.store.etcd.EtcdConfig;
import dev.culvert.store.etcd.EtcdLeaseStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A real etcd of one member on loopback, with a new folder that goes with it. */
final class Etcd implements AutoCloseable {
  private static final int START_SECONDS = 20;

  /** etcd takes no more in one transaction. */
  private static final int PUTS = 100;

  private final Path folder = temporary();
  private final int port;
  private final int peerPort;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private Process process;

  private Etcd() {
    int[] ports = freePorts();
    port = ports[0];
    peerPort = ports[1];
    start();
    awaitAnswer();
    try (EtcdLeaseStore first = open()) {
      while (first.looksNew()) { // newcomers to a new store wait, and are not what is measured
        pause(100);
      }
    }
  }

  /** Starts one that was used before, and holds nothing. */
  static Etcd settled() {
    return new Etcd();
  }

  private static Path temporary() {
    try {
      return Files.createTempDirectory("culvert-bench-etcd-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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

  static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while measuring", e);
    }
  }

  private URI endpoint() {
    return URI.create("http://127.0.0.1:" + port);
  }

  EtcdLeaseStore open() {
    return open(EtcdConfig.TIMEOUT);
  }

  EtcdLeaseStore open(Duration timeout) {
    return new EtcdLeaseStore(EtcdConfig.plain(List.of(endpoint())).withTimeout(timeout));
  }

  /** On what it left. */
  void start() {
    String peer = "http://127.0.0.1:" + peerPort;
    try {
      process =
          new ProcessBuilder(
                  "etcd",
                  "--data-dir=" + folder.resolve("data"),
                  "--listen-client-urls=" + endpoint(),
                  "--advertise-client-urls=" + endpoint(),
                  "--listen-peer-urls=" + peer,
                  "--initial-advertise-peer-urls=" + peer,
                  "--initial-cluster=default=" + peer)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("etcd is needed: install etcd-server.", e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  /** Waits until it answers a question. */
  void awaitAnswer() {
    for (long waitedMs = 0; waitedMs < START_SECONDS * 1000L; waitedMs += 10) {
      try {
        if (post("kv/range", "{\"key\": \"" + base64("/") + "\"}") == 200) {
          return;
        }
      } catch (UncheckedIOException e) {
        // It does not listen yet.
      }
      pause(10);
    }
    throw new IllegalStateException("etcd does not answer; its log is in " + folder + ".");
  }

  /** SIGKILL. */
  void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while measuring", e);
    }
  }

  /** Writes leases as {@code etcdctl put} would: nobody claims them. */
  void put(List<Lease> leases) {
    for (int i = 0; i < leases.size(); i += PUTS) {
      String puts =
          leases.subList(i, Math.min(i + PUTS, leases.size())).stream()
              .map(lease ->
                  "{\"request_put\": {\"key\": \"%s\", \"value\": \"%s\"}}"
                      .formatted(base64(key(lease)), base64(LeaseText.format(lease))))
              .collect(Collectors.joining(", "));
      int status = post("kv/txn", "{\"success\": [" + puts + "]}");
      if (status != 200) {
        throw new IllegalStateException("etcd refuses leases with status " + status + ".");
      }
    }
  }

  private static String key(Lease lease) {
    return EtcdConfig.PREFIX
        + "/leases/%s/%d/%s"
            .formatted(
                lease.subnet().vni(),
                lease.subnet().prefix().length(),
                IpAddresses.text(lease.subnet().prefix().address()));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private int post(String method, String body) {
    return send(HttpRequest.newBuilder(endpoint().resolve("/v3/" + method))
            .POST(HttpRequest.BodyPublishers.ofString(body)))
        .statusCode();
  }

  private java.net.http.HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while measuring", e);
    }
  }

  /** How many calls it has begun to answer since it started, by its own count and by kind. */
  SortedMap<String, Long> calls() {
    SortedMap<String, Long> calls = new TreeMap<>();
    String metrics = send(HttpRequest.newBuilder(endpoint().resolve("/metrics"))).body();
    for (String line : metrics.lines().toList()) {
      if (line.startsWith("grpc_server_started_total{")) {
        String method = line.replaceFirst(".*grpc_method=\"(\\w+)\".*", "$1");
        long count = (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
        if (count > 0) {
          calls.put(method, count);
        }
      }
    }
    return calls;
  }

  @Override
  public void close() {
    kill();
    client.shutdownNow();
    try (var files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
