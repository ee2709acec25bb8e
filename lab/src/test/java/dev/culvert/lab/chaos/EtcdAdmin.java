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
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What an administrator of etcd does. */
final class EtcdAdmin {
  private static final Duration ANSWER = Duration.ofSeconds(20);

  private static final String ROOT = "root";

  private Optional<String> rootPassword = Optional.empty();

  /** Once more after each that was refused. */
  private static final int LOGINS = 5;

  private Optional<String> token = Optional.empty();
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

  /**
   * A user with this password may read and write below the prefix, and nobody else; for who may do
   * anything, the same password as at first.
   */
  void enablePasswords(URI endpoint, String prefix, String password) {
    for (String name : List.of(ROOT, Security.USER)) {
      call(endpoint, "auth/user/add", Map.of("name", name, "password", password));
      call(endpoint, "auth/role/add", Map.of("name", name));
      call(endpoint, "auth/user/grant", Map.of("user", name, "role", name));
    }
    Map<String, Object> all =
        Map.of(
            "permType", "READWRITE",
            "key", encode(prefix + "/"),
            "range_end", encode(prefix + "0"));
    call(endpoint, "auth/role/grant", Map.of("name", Security.USER, "perm", all));
    call(endpoint, "auth/enable", Map.of());
    rootPassword = Optional.of(password);
  }

  void changePassword(URI endpoint, String password) {
    call(endpoint, "auth/user/changepw", Map.of("name", Security.USER, "password", password));
  }

  private Map<String, Object> call(URI endpoint, String method, Map<String, ?> request) {
    for (int left = LOGINS; ; left--) {
      try {
        if (rootPassword.isPresent()) {
          token = Optional.empty();
          Map<String, String> login = Map.of("name", ROOT, "password", rootPassword.get());
          token = Optional.of(ask(endpoint, "auth/authenticate", login).get("token").toString());
        }
        return ask(endpoint, method, request);
      } catch (IOException e) {
        // Where hosts log in all the time, etcd 3.4 may not know its own word a moment later.
        if (left == 0 || !String.valueOf(e.getMessage()).contains("invalid auth token")) {
          throw new LabException("etcd refuses its administrator " + method + ": " + e + ".", e);
        }
      }
    }
  }

  private Map<String, Object> ask(URI endpoint, String method, Map<String, ?> request)
      throws IOException {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(endpoint.resolve("/v3/" + method))
            .timeout(ANSWER)
            .POST(HttpRequest.BodyPublishers.ofString(Json.line(request)));
    token.ifPresent(known -> builder.header("Authorization", known));
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
