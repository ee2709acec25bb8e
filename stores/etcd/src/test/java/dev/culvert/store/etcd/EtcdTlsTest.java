// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static dev.culvert.store.etcd.Waiting.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.RefusedException;
import dev.culvert.store.etcd.EtcdConfig.Login;
import dev.culvert.store.etcd.EtcdConfig.Tls;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An etcd that shows and wants certificates, and passwords, and every way to get that wrong. */
@Tag("store")
final class EtcdTlsTest {
  private static final String HERE = "IP:127.0.0.1,IP:0:0:0:0:0:0:0:1";

  @TempDir Path folder;
  private Certificates made;
  private Certificates.Pair authority;
  private Certificates.Pair server;
  private Certificates.Pair client;
  private EtcdProcess etcd;

  @BeforeEach
  void start() throws Exception {
    made = new Certificates(folder);
    authority = made.authority("authority");
    server = made.signed(authority, "server", HERE, 30);
    client = made.signed(authority, "client", "DNS:host-01", 30);
    etcd =
        EtcdProcess.startTls(
            Certificates.tls(authority, client),
            "--cert-file=" + server.certificate(),
            "--key-file=" + server.key(),
            "--trusted-ca-file=" + authority.certificate(),
            "--client-cert-auth");
  }

  @AfterEach
  void stop() {
    etcd.close();
  }

  private EtcdConfig config(List<URI> endpoints, Tls tls, Login login) {
    return new EtcdConfig(endpoints, "/culvert", tls, Optional.ofNullable(login), Vtep.VXLAN_PORT);
  }

  private EtcdConfig config(Tls tls, Login login) {
    return config(List.of(etcd.endpoint()), tls, login);
  }

  private Login login(String user, String password) throws Exception {
    return new Login(
        user, Files.writeString(folder.resolve("password-of-" + user), password + "\n"));
  }

  /** As docs/etcd.md says: reading and writing below the prefix, and no more. */
  private void enablePasswords() {
    try (Gateway admin = new Gateway(config(Certificates.tls(authority, client), null))) {
      for (String user : List.of("root", "culvert", "stranger")) {
        ask(admin, "auth/user/add", Map.of("name", user, "password", "secret"));
      }
      for (String role : List.of("root", "culvert")) {
        ask(admin, "auth/role/add", Map.of("name", role));
        ask(admin, "auth/user/grant", Map.of("user", role, "role", role));
      }
      ask(
          admin,
          "auth/role/grant",
          Map.of(
              "name",
              "culvert",
              "perm",
              Map.of(
                  "permType", "READWRITE",
                  "key", Json.encode("/culvert/"),
                  "range_end", Json.encode(Keys.end("/culvert/")))));
      ask(admin, "auth/enable", Map.of());
    }
  }

  private static void ask(Gateway admin, String method, Map<String, ?> request) {
    Json _ = admin.call(method, request, Gateway.Kind.WRITE);
  }

  @Test
  void leasesBehindCertificatesAndPasswordsOverIpv6PastADeadEndpoint() throws Exception {
    enablePasswords();
    URI dead = URI.create("https://127.0.0.1:1");
    EtcdConfig config =
        config(
            List.of(dead, etcd.endpoint6()),
            Certificates.tls(authority, client),
            login("culvert", "secret"));
    try (EtcdLeaseStore store = new EtcdLeaseStore(config)) {
      AutoCloseable _ = store.watch(event -> {});
      assertTrue(store.looksNew());
      Lease held = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      Lease renewed = done(store.renew(held, held));
      assertEquals(List.of(renewed), store.list());
      store.release(renewed);
      assertEquals(List.of(), store.list());
      assertEquals(List.of(), store.problems());
    }
  }

  private String said(EtcdConfig config) {
    try (EtcdLeaseStore store = new EtcdLeaseStore(config)) {
      return assertThrows(LeaseStoreException.class, store::list).getMessage();
    }
  }

  private void says(String expected, EtcdConfig config) {
    String said = said(config);
    assertTrue(said.endsWith(expected), said);
    assertEquals(1, said.lines().count(), said);
  }

  @Test
  void eachWrongWayOfTlsIsOneSentence() throws Exception {
    Tls good = Certificates.tls(authority, client);
    Certificates.Pair other = made.authority("other");
    says(
        ": its certificate is signed by none of those that are trusted; is caFile the authority that"
            + " signed it?",
        config(Certificates.tls(other, client), null));
    says(
        ": it wants a client certificate; name certFile and keyFile.",
        config(Certificates.trusting(authority), null));
    says(
        ": it refuses this host's client certificate; has certFile expired, or did another authority"
            + " sign it?",
        config(Certificates.tls(authority, made.signed(authority, "old", "DNS:a", -1)), null));
    says(
        ": it refuses this host's client certificate; has certFile expired, or did another authority"
            + " sign it?",
        config(Certificates.tls(authority, made.signed(other, "strange", "DNS:a", 9)), null));
    URI plain = URI.create(etcd.endpoint().toString().replace("https", "http"));
    String said = said(config(List.of(plain), Tls.DEFAULT, null));
    assertTrue(said.contains("https://"), said);

    Certificates.replace(server, made.signed(authority, "elsewhere", "DNS:etcd.example", 9));
    says(
        ": its certificate is for another name or address; make one for this endpoint, or write the"
            + " name that it is for.",
        config(good, null));
    Certificates.replace(server, made.signed(authority, "expired", HERE, -1));
    says(": its certificate has expired; give it another one.", config(good, null));
  }

  @Test
  void eachWrongFileIsOneSentence() throws Exception {
    Path missing = folder.resolve("missing.pem");
    Path noKey = Files.writeString(folder.resolve("no.key"), "nothing");
    for (Object[] wrong :
        new Object[][] {
          {
            new Tls(Optional.of(missing), Optional.empty(), Optional.empty()),
            "There is no file " + missing + ", which the configuration names for etcd."
          },
          {
            new Tls(Optional.of(noKey), Optional.empty(), Optional.empty()),
            noKey + " holds no certificate"
          },
          {
            new Tls(Optional.empty(), Optional.of(client.certificate()), Optional.of(noKey)),
            noKey + " holds no unencrypted PKCS #8 key; make one with"
          },
        }) {
      var e =
          assertThrows(
              RefusedException.class, () -> new EtcdLeaseStore(config((Tls) wrong[0], null)));
      assertTrue(e.getMessage().startsWith((String) wrong[1]), e.getMessage());
    }
    enablePasswords();
    Login nowhere = new Login("culvert", folder.resolve("no-password"));
    assertTrue(
        said(config(Certificates.tls(authority, client), nowhere))
            .startsWith("The password of etcd's user culvert cannot be read from "));
  }

  @Test
  void eachWrongLoginIsOneSentence() throws Exception {
    Tls good = Certificates.tls(authority, client);
    says(
        "authentication is not enabled: it asks nobody for a password; remove user and passwordFile,"
            + " or run \"etcdctl auth enable\".",
        config(good, login("culvert", "secret")));
    enablePasswords();
    says(": it asks for a user; name user and passwordFile.", config(good, null));
    says(
        "invalid user ID or password: the user and the password do not fit; look at user and"
            + " passwordFile.",
        config(good, login("culvert", "wrong")));
    says(
        "permission denied: the user may not read and write below the prefix; grant it with \"etcdctl"
            + " role grant-permission ROLE readwrite PREFIX/ --prefix\".",
        config(good, login("stranger", "secret")));
  }

  /** Told while it lasts; the file is read again, so that nobody has to restart anything. */
  @Test
  void aPasswordThatWasChangedIsToldAndItsFileReadAgain() throws Exception {
    enablePasswords();
    Tls good = Certificates.tls(authority, client);
    try (EtcdLeaseStore store = new EtcdLeaseStore(config(good, login("culvert", "secret")));
        Gateway root = new Gateway(config(good, login("root", "secret")))) {
      AutoCloseable _ = store.watch(event -> {});
      ask(root, "auth/user/changepw", Map.of("name", "culvert", "password", "changed"));
      etcd.kill();
      etcd.restart();
      await("it is told", () -> said(store).contains("look at user and passwordFile"));
      Login _ = login("culvert", "changed");
      await("it is well again", () -> store.problems().isEmpty());
      Lease held = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      assertEquals(List.of(held), store.list());
    }
  }

  private static String said(EtcdLeaseStore store) {
    return String.join(" ", store.problems());
  }

  /** The server's, and this host's own, both replaced in their files. */
  @Test
  void certificatesThatExpireAreToldAndTakenAnewFromTheirFiles() throws Exception {
    Certificates.Pair fresh = made.signed(authority, "fresh", HERE, 30);
    Certificates.Pair freshClient = made.signed(authority, "fresh-client", "DNS:a", 30);
    Certificates.Pair own = made.signed(authority, "own", "DNS:a", 30);
    try (EtcdLeaseStore store =
        new EtcdLeaseStore(config(Certificates.tls(authority, own), null))) {
      AutoCloseable _ = store.watch(event -> {});
      Certificates.replace(server, made.signed(authority, "expired", HERE, -1));
      etcd.kill();
      etcd.restartUnchecked();
      await("it is told", () -> said(store).contains("its certificate has expired"));
      Certificates.replace(server, fresh);
      await("it is well again", () -> store.problems().isEmpty());

      Certificates.replace(own, made.signed(authority, "old", "DNS:a", -1));
      try (EtcdLeaseStore late =
          new EtcdLeaseStore(config(Certificates.tls(authority, own), null))) {
        assertThrows(LeaseStoreException.class, late::list);
        Certificates.replace(own, freshClient);
        await(
            "the new one is shown",
            () -> {
              try {
                return late.list().isEmpty();
              } catch (LeaseStoreException e) {
                return false;
              }
            });
      }
    }
  }

  @Test
  void whatIsNoEtcdIsOneSentence() throws Exception {
    HttpServer web =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    web.createContext(
        "/",
        exchange -> {
          byte[] page = "<html>hello</html>".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, page.length);
          exchange.getResponseBody().write(page);
          exchange.close();
        });
    web.start();
    try {
      URI there = URI.create("http://127.0.0.1:" + web.getAddress().getPort());
      says(
          "what it answers is no JSON; is this etcd, and its client port?",
          config(List.of(there), Tls.DEFAULT, null));
    } finally {
      web.stop(0);
    }
    try (EtcdProcess plain = EtcdProcess.start()) {
      URI secure = URI.create(plain.endpoint().toString().replace("http", "https"));
      says(
          ": it ends the TLS handshake without a word; does it want http:// there?",
          config(List.of(secure), Tls.DEFAULT, null));
    }
    says(
        ": the connection is refused; is etcd running there?",
        config(List.of(URI.create("http://127.0.0.1:1")), Tls.DEFAULT, null));
    var e =
        assertThrows(
            RefusedException.class,
            () ->
                new EtcdConfig(
                    List.of(etcd.endpoint()), "culvert", Tls.DEFAULT, Optional.empty(), 4789));
    assertEquals(
        "The prefix \"culvert\" will not do: write it as /culvert, with no / last.",
        e.getMessage());
  }
}
