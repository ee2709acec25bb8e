// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.agent.output.Json;
import dev.culvert.lab.LabException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;

/** What an administrator of etcd does. */
final class EtcdAdmin {
  private static final Duration ANSWER = Duration.ofSeconds(5);

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(ANSWER).build();

  /** Whether a member answers, with or without a leader. */
  boolean serves(URI endpoint) {
    try {
      return ask(endpoint, "maintenance/status", Map.of()).get("leader") != null;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a member knows itself as the leader. */
  boolean leads(URI endpoint) {
    try {
      Map<String, Object> status = ask(endpoint, "maintenance/status", Map.of());
      Map<?, ?> header = (Map<?, ?>) status.get("header");
      return status.get("leader") != null && status.get("leader").equals(header.get("member_id"));
    } catch (IOException e) {
      return false;
    }
  }

  /** Deletes every key that begins so. */
  void deleteAll(URI endpoint, String prefix) {
    Map<String, Object> range =
        Map.of("key", encode(prefix + "/"), "range_end", encode(prefix + "0"));
    call(endpoint, "kv/deleterange", range);
  }

  /** Writes something and forgets all history up to it. */
  void compact(URI endpoint, String prefix) {
    Map<String, Object> put = Map.of("key", encode(prefix + "/new"), "value", encode("chaos\n"));
    call(endpoint, "kv/put", put);
    Map<String, Object> answer =
        call(endpoint, "kv/deleterange", Map.of("key", encode(prefix + "/new")));
    Object revision = ((Map<?, ?>) answer.get("header")).get("revision");
    call(endpoint, "kv/compaction", Map.of("revision", revision, "physical", true));
  }

  /** What etcd does by itself when its quota is used up, or the end of that. */
  void setFull(URI endpoint, boolean full) {
    call(
        endpoint,
        "maintenance/alarm",
        Map.of("action", full ? "ACTIVATE" : "DEACTIVATE", "memberID", "0", "alarm", "NOSPACE"));
  }

  private Map<String, Object> call(URI endpoint, String method, Map<String, ?> request) {
    try {
      return ask(endpoint, method, request);
    } catch (IOException e) {
      throw new LabException("etcd refuses its administrator " + method + ": " + e + ".", e);
    }
  }

  private Map<String, Object> ask(URI endpoint, String method, Map<String, ?> request)
      throws IOException {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(endpoint.resolve("/v3/" + method))
            .timeout(ANSWER)
            .POST(HttpRequest.BodyPublishers.ofString(Json.line(request)));
    try {
      HttpResponse<String> response =
          client.send(builder.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(response.body());
      }
      return Json.parseObject(response.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LabException("Interrupted.", e);
    }
  }

  private static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
