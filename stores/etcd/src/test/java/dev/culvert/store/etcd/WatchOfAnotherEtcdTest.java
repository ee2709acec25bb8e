// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.store.LeaseStoreContract;
import dev.culvert.control.store.LeaseText;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * An etcd that is made anew between two requests: the old one says that it has what was heard, and
 * the new one opens the watch. A played etcd, since no real one hits that moment twice.
 */
final class WatchOfAnotherEtcdTest {
  private static final String LEASE =
      LeaseText.format(LeaseStoreContract.lease("10.244.1.0/24", 1, "host-01").withGeneration(1));

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch firstWatchEnds = new CountDownLatch(1);
  private final CountDownLatch over = new CountDownLatch(1);
  private HttpServer played;
  private volatile boolean anew;

  @BeforeEach
  void play() throws IOException {
    played = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    played.setExecutor(threads);
    played.createContext("/v3/kv/range", this::range);
    played.createContext("/v3/kv/txn", this::change);
    played.createContext(
        "/v3/lease/grant", exchange -> answer(exchange, header(6) + ",\"ID\":\"7\"}"));
    played.createContext("/v3/watch", this::watch);
    played.start();
  }

  @AfterEach
  void end() {
    over.countDown();
    firstWatchEnds.countDown();
    played.stop(0);
    threads.shutdownNow();
  }

  private static String header(int revision) {
    return "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"" + revision + "\"}";
  }

  private static String pair(String key, String value, int revision) {
    return "{\"key\":\"%s\",\"value\":\"%s\",\"create_revision\":\"%d\",\"mod_revision\":\"%d\"}"
        .formatted(Json.encode(key), Json.encode(value), revision, revision);
  }

  private static void answer(HttpExchange exchange, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static String question(HttpExchange exchange) throws IOException {
    return new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
  }

  private void range(HttpExchange exchange) throws IOException {
    String question = question(exchange);
    String lease = pair("/culvert/leases/1/24/10.244.1.0", LEASE, 568);
    if (question.contains("\"revision\"") && !anew) {
      answer(exchange, header(568) + ",\"kvs\":[" + lease + "]}");
      anew = true; // killed, and made anew
    } else if (anew && !question.contains("count_only")) {
      answer(exchange, header(5) + ",\"kvs\":[" + pair("/culvert/store", "", 2) + "]}");
    } else { // the audits hear what they expect: nothing but the watch itself can tell
      String kept = "[" + pair("/culvert/store", "", 2) + "," + lease + "]";
      answer(exchange, header(568) + ",\"count\":\"2\",\"kvs\":" + kept + "}");
    }
  }

  private void change(HttpExchange exchange) throws IOException {
    String counted = "{\"response_range\":{\"count\":\"2\"}},{\"response_range\":{}}";
    boolean audit = question(exchange).contains("count_only");
    answer(
        exchange,
        header(audit ? 568 : 6)
            + ",\"succeeded\":true,\"responses\":["
            + (audit ? counted : "")
            + "]}");
  }

  private void watch(HttpExchange exchange) throws IOException {
    boolean first = !anew;
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    String created = "{\"result\":" + header(first ? 568 : 5) + ",\"created\":true}}\n";
    out.write(created.getBytes(StandardCharsets.UTF_8));
    out.flush();
    try {
      boolean _ = (first ? firstWatchEnds : over).await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    exchange.close();
  }

  @Test
  void isFoundOutAsTheWatchBegins() throws Exception {
    URI endpoint = URI.create("http://127.0.0.1:" + played.getAddress().getPort());
    List<LeaseEvent> heard = new CopyOnWriteArrayList<>();
    try (EtcdLeaseStore store = new EtcdLeaseStore(EtcdConfig.plain(List.of(endpoint)));
        AutoCloseable _ = store.watch(heard::add)) {
      Waiting.await("a snapshot", () -> !heard.isEmpty());
      firstWatchEnds.countDown();
      Waiting.await(
          "the lease is gone",
          () -> heard.stream().anyMatch(LeaseEvent.Vanished.class::isInstance));
    }
  }
}
