// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.LeaseStoreException;
import dev.culvert.kernel.RefusedException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLException;

/**
 * Calls of etcd's HTTP/JSON gateway. The members are asked in turn, beginning with the one that
 * answered last; what may have been carried out is not asked of another, since nobody could tell
 * whose answer it is. Any thread may call it, and waits for its answer.
 */
final class Gateway implements AutoCloseable {
  /**
   * So much longer a host waits that starts, where no other member is left to be asked: who gives
   * up and asks again only has a busy member answer twice.
   */
  private static final int MORE_AT_START = 3;

  /** A member without a leader says so, in place of waiting for one. */
  private static final String HAS_LEADER = "Grpc-Metadata-hasleader";

  /** Whether it makes a difference to ask twice. */
  enum Kind {
    READ,
    WRITE
  }

  /** One member's refusal. */
  static final class Refusal extends IOException {
    private static final long serialVersionUID = 1;
    private final int status;

    Refusal(int status, String message) {
      super(message);
      this.status = status;
    }

    boolean isAboutLogin() {
      return status == 401
          || getMessage().contains("invalid auth token")
          || getMessage().contains("revision of auth store is old");
    }

    /** The member cannot serve anybody now; another may. */
    boolean isAboutMember() {
      return status == 503 || status == 504;
    }
  }

  private final EtcdConfig config;
  private volatile HttpClient client;

  /** What the files of TLS were when the client was made. */
  private volatile List<Object> tlsFiles = List.of();

  private final LongAdder requests = new LongAdder();
  private volatile long answeredNs = System.nanoTime();
  private volatile int preferred;
  private volatile Optional<String> token = Optional.empty();
  private volatile boolean starting = true;

  Gateway(EtcdConfig config) {
    this.config = config;
    this.client = connect();
  }

  private HttpClient connect() {
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            // Over plain text, HTTP/2 goes to gRPC, which this is not.
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(connectTimeout());
    if (config.endpoints().stream().anyMatch(endpoint -> endpoint.getScheme().equals("https"))) {
      tlsFiles = PemFiles.ages(config.tls());
      builder.sslContext(PemFiles.context(config.tls()));
    }
    return builder.build();
  }

  /** Until the connection stands. */
  private Duration connectTimeout() {
    return config.timeout().dividedBy(3);
  }

  /** The longest that one member is waited for. */
  private Duration patientAnswer() {
    return config.timeout().multipliedBy(MORE_AT_START);
  }

  /** The longest that a call takes which the first member answers, or refuses at once. */
  Duration longestCall() {
    return connectTimeout().plus(patientAnswer());
  }

  /** Certificates are replaced while we run: whoever is refused for the old one takes the new. */
  private void renewTls() {
    if (!tlsFiles.isEmpty() && !PemFiles.ages(config.tls()).equals(tlsFiles)) {
      try {
        client = connect();
      } catch (RefusedException e) {
        throw new LeaseStoreException(e.getMessage(), e);
      }
    }
  }

  /**
   * Calls a method, such as {@code kv/range}.
   *
   * @throws LeaseStoreException when no member answers, or one refuses
   */
  Json call(String method, Map<String, ?> request, Kind kind) {
    return ask(
        kind,
        (endpoint, patience) -> {
          HttpResponse<String> response =
              send(
                  request(endpoint, method, request).timeout(patience).build(),
                  BodyHandlers.ofString());
          checkStatus(response.statusCode(), response.body());
          return answer(response.body());
        });
  }

  /**
   * What time it is where the answer to a question comes from: the header {@code Date} of RFC 9110,
   * to the second.
   *
   * @param range what to ask for, in place of it
   * @return empty where something in between leaves the header out, or it makes no sense
   * @throws LeaseStoreException when no member answers, or one refuses
   */
  Optional<Instant> time(Map<String, ?> range) {
    return ask(
        Kind.READ,
        (endpoint, patience) -> {
          HttpResponse<String> response =
              send(
                  request(endpoint, "kv/range", range).timeout(patience).build(),
                  BodyHandlers.ofString());
          checkStatus(response.statusCode(), response.body());
          return response.headers().firstValue("Date").flatMap(Gateway::date);
        });
  }

  private static Optional<Instant> date(String header) {
    try {
      return Optional.of(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(header)));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /**
   * Begins a stream of answers, a JSON object on each line, on a connection of its own.
   *
   * @return to be closed; reading it waits without end
   */
  InputStream stream(String method, Map<String, ?> request) {
    return ask(
        Kind.READ,
        (endpoint, _) -> {
          HttpResponse<InputStream> response =
              send(
                  request(endpoint, method, request).header(HAS_LEADER, "true").build(),
                  BodyHandlers.ofInputStream());
          if (response.statusCode() != 200) {
            try (InputStream body = response.body()) {
              checkStatus(
                  response.statusCode(), new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
          }
          return response.body();
        });
  }

  /** One member's answer. */
  private interface Question<T> {
    T ask(URI endpoint, Duration patience) throws IOException;
  }

  private <T> T ask(Kind kind, Question<T> question) {
    IOException failure = new IOException("no endpoint");
    URI at = config.endpoints().getFirst();
    int first = preferred;
    int count = config.endpoints().size();
    for (int i = 0; i < count; i++) {
      int member = (first + i) % count;
      URI endpoint = config.endpoints().get(member);
      try {
        boolean last = kind == Kind.WRITE || i == count - 1;
        T answer =
            withLogin(endpoint, question, starting && last ? patientAnswer() : config.timeout());
        preferred = member;
        answeredNs = System.nanoTime();
        return answer;
      } catch (Refusal e) {
        if (!e.isAboutMember() || kind == Kind.WRITE) {
          throw new LeaseStoreException(
              Reasons.sentence("etcd at " + endpoint + " refuses: " + e.getMessage()), e);
        }
        failure = e;
        at = endpoint;
      } catch (IOException e) {
        if (e instanceof SSLException) {
          renewTls();
        }
        if (kind == Kind.WRITE && !neverArrived(e)) {
          throw new LeaseStoreException(
              "etcd at "
                  + endpoint
                  + " was asked to write and did not answer: "
                  + reason(endpoint, e),
              e);
        }
        failure = e;
        at = endpoint;
      }
    }
    throw new LeaseStoreException(
        "No etcd answers at "
            + String.join(", ", config.endpoints().stream().map(URI::toString).toList())
            + ": "
            + reason(at, failure),
        failure);
  }

  /** Tokens end; whoever is refused for an old one asks once more with a new one. */
  private <T> T withLogin(URI endpoint, Question<T> question, Duration patience)
      throws IOException {
    if (config.login().isPresent() && token.isEmpty()) {
      logIn(endpoint);
    }
    try {
      return question.ask(endpoint, patience);
    } catch (Refusal e) {
      if (config.login().isEmpty() || !e.isAboutLogin()) {
        throw e;
      }
      logIn(endpoint);
      return question.ask(endpoint, patience);
    }
  }

  private void logIn(URI endpoint) throws IOException {
    EtcdConfig.Login login = config.login().orElseThrow();
    String password;
    try {
      password = Files.readString(login.passwordFile()).lines().findFirst().orElse("");
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The password of etcd's user "
              + login.user()
              + " cannot be read from "
              + login.passwordFile()
              + ": "
              + e
              + ".",
          e);
    }
    token = Optional.empty();
    HttpResponse<String> response =
        send(
            request(
                    endpoint,
                    "auth/authenticate",
                    Map.of("name", login.user(), "password", password))
                .timeout(config.timeout())
                .build(),
            BodyHandlers.ofString());
    checkStatus(response.statusCode(), response.body());
    token = Optional.of(Json.parse(response.body()).text("token"));
  }

  private HttpRequest.Builder request(URI endpoint, String method, Map<String, ?> request) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(endpoint.resolve("/v3/" + method))
            .POST(HttpRequest.BodyPublishers.ofString(Json.write(request)));
    token.ifPresent(known -> builder.header("Authorization", known));
    return builder;
  }

  private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws IOException {
    requests.increment();
    try {
      return client.send(request, handler);
    } catch (HttpConnectTimeoutException e) {
      HttpConnectTimeoutException late =
          new HttpConnectTimeoutException(
              "no connection within %d s; is the address right, and no firewall in the way?"
                  .formatted(connectTimeout().toSeconds()));
      late.initCause(e);
      throw late;
    } catch (HttpTimeoutException e) {
      HttpTimeoutException late =
          new HttpTimeoutException(
              "no answer within " + request.timeout().orElseThrow().toSeconds() + " s");
      late.initCause(e);
      throw late;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LeaseStoreException("Interrupted while etcd was asked.", e);
    }
  }

  private static Json answer(String body) throws Refusal {
    try {
      return Json.parse(body);
    } catch (IOException e) {
      throw new Refusal(200, "what it answers is no JSON; is this etcd, and its client port?");
    }
  }

  /** Until 3.5 the sentence is {@code error}, in 3.6 {@code message} alone. */
  private void checkStatus(int status, String body) throws Refusal {
    if (status == 200) {
      return;
    }
    String said;
    try {
      Json json = Json.parse(body);
      said = json.text("message").isEmpty() ? json.text("error") : json.text("message");
    } catch (IOException e) {
      said =
          body.contains("HTTP request to an HTTPS server")
              ? body
              : "is this etcd 3.4 or later, and its client port?";
    }
    throw new Refusal(status, Reasons.refusal(status, said, config.login().isPresent()));
  }

  private static boolean neverArrived(IOException e) {
    return e instanceof ConnectException || e instanceof HttpConnectTimeoutException;
  }

  private String reason(URI endpoint, IOException e) {
    return Reasons.sentence(Reasons.failure(endpoint, config.tls().certificate().isPresent(), e));
  }

  /** Whether a member answered so short a time ago, or this was made then. */
  boolean hasAnsweredWithin(Duration time) {
    return System.nanoTime() - answeredNs <= time.toNanos();
  }

  /** Others wait for this host from here on: it is in a hurry. */
  void started() {
    starting = false;
  }

  /** How many were made. */
  long requests() {
    return requests.sum();
  }

  /** Ends what is under way. */
  @Override
  public void close() {
    client.shutdownNow();
  }
}
