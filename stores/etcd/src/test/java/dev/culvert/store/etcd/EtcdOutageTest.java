// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static dev.culvert.store.etcd.Waiting.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.store.LeaseText;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What happens to an etcd, and that no change of its leases is lost for it. */
@Tag("store")
final class EtcdOutageTest {
  private static final String PREFIX = "/culvert";

  private final BlockingQueue<LeaseEvent> events = new LinkedBlockingQueue<>();
  private EtcdProcess etcd;
  private EtcdLeaseStore watched;
  private EtcdLeaseStore other;
  private Gateway gateway;

  @BeforeEach
  void start() throws Exception {
    etcd = EtcdProcess.start();
    watched = new EtcdLeaseStore(etcd.config(PREFIX));
    other = new EtcdLeaseStore(etcd.config(PREFIX));
    gateway = new Gateway(etcd.config(PREFIX));
    AutoCloseable _ = watched.watch(events::add);
    assertInstanceOf(LeaseEvent.Snapshot.class, next());
  }

  @AfterEach
  void stop() {
    watched.close();
    other.close();
    gateway.close();
    etcd.close();
  }

  private LeaseEvent next() throws InterruptedException {
    LeaseEvent event = events.poll(20, TimeUnit.SECONDS);
    assertTrue(event != null, () -> "no event in 20 seconds; problems: " + watched.problems());
    return event;
  }

  private Lease claim(int number) {
    return done(other.acquire(lease("10.244." + number + ".0/24", 1, "host-0" + number)));
  }

  private void signal(String name) throws Exception {
    assertEquals(
        0, new ProcessBuilder("kill", "-" + name, String.valueOf(etcd.pid())).start().waitFor());
  }

  @Test
  void whatHappensWhileItRestartsIsHeard() throws Exception {
    Lease one = claim(1);
    assertEquals(one, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    etcd.kill();
    assertThrows(LeaseStoreException.class, watched::list);
    await("told", () -> !watched.problems().isEmpty());
    assertTrue(watched.problems().getFirst().startsWith("Changes in etcd are not heard of: "));

    etcd.restart();
    Lease two = claim(2);
    other.release(one);
    assertEquals(two, assertInstanceOf(LeaseEvent.Announced.class, afterWithdrawal(one)).lease());
    await("well", () -> watched.problems().isEmpty());
  }

  /** The two come in either order: by a snapshot, or one by one. */
  private LeaseEvent afterWithdrawal(Lease gone) throws InterruptedException {
    LeaseEvent first = next();
    LeaseEvent second = next();
    boolean inOrder = first instanceof LeaseEvent.Withdrawn;
    var withdrawn = assertInstanceOf(LeaseEvent.Withdrawn.class, inOrder ? first : second);
    assertEquals(gone.subnet(), withdrawn.subnet());
    return inOrder ? second : first;
  }

  /** It may hold the connection and say nothing for as long as it likes. */
  @Test
  void aFrozenEtcdIsToldAndHeardAgain() throws Exception {
    signal("STOP");
    long beganNs = System.nanoTime();
    assertThrows(LeaseStoreException.class, watched::list);
    assertTrue(Duration.ofNanos(System.nanoTime() - beganNs).toSeconds() < 10, "it hung");
    await("told", () -> !watched.problems().isEmpty());
    signal("CONT");
    Lease one = claim(1);
    assertEquals(one, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    await("well", () -> watched.problems().isEmpty());
  }

  @Test
  void changesThatWereCompactedAwayAreReadAgain() throws Exception {
    Lease one = claim(1);
    assertEquals(one, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    etcd.kill();
    etcd.restart();
    Lease two = claim(2);
    long revision = other.read().revision();
    var _ =
        gateway.call(
            "kv/compaction", Map.of("revision", revision, "physical", true), Gateway.Kind.WRITE);
    assertEquals(two, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    Lease three = claim(3);
    assertEquals(three, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
  }

  /** By writing, until etcd itself raises the alarm; hearing and reading go on. */
  @Test
  void aQuotaThatIsUsedUpIsToldAndHarmsNothing() throws Exception {
    try (EtcdProcess small = EtcdProcess.start("--quota-backend-bytes=" + (1 << 20));
        EtcdLeaseStore store = new EtcdLeaseStore(small.config(PREFIX));
        Gateway admin = new Gateway(small.config(PREFIX))) {
      Lease held = done(store.acquire(lease("10.244.1.0/24", 1, "host-01")));
      var full = assertThrows(LeaseStoreException.class, () -> fill(admin));
      assertTrue(full.getMessage().contains("database space exceeded"), full.getMessage());
      var refused = assertThrows(LeaseStoreException.class, () -> store.renew(held, held));
      assertTrue(refused.getMessage().contains("its space is used up; "), refused.getMessage());
      AutoCloseable _ = store.watch(events::add);
      assertEquals(List.of(held), assertInstanceOf(LeaseEvent.Snapshot.class, next()).leases());

      long revision = store.read().revision();
      ask(admin, "kv/compaction", Map.of("revision", revision, "physical", true));
      ask(admin, "maintenance/defragment", Map.of());
      String member =
          admin
              .call("maintenance/status", Map.of(), Gateway.Kind.READ)
              .object("header")
              .text("member_id");
      ask(
          admin,
          "maintenance/alarm",
          Map.of("action", "DEACTIVATE", "memberID", member, "alarm", "NOSPACE"));
      Lease renewed = done(store.renew(held, held));
      assertEquals(renewed, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    }
  }

  /** One key, again and again: its history is what takes the room. */
  private static void fill(Gateway admin) {
    for (int i = 0; i < 100; i++) {
      ask(admin, "kv/put", Requests.put("/filler", "x".repeat(100_000)));
    }
  }

  private static void ask(Gateway admin, String method, Map<String, ?> request) {
    Json _ = admin.call(method, request, Gateway.Kind.WRITE);
  }

  /** So that whoever has a watch that broke without a word finds out before newcomers choose. */
  @Test
  void anEtcdThatHadALifeIsNewForLonger() throws Exception {
    assertEquals(2, secondsOfNew());
    var _ = claim(1);
    ask(gateway, "kv/deleterange", Requests.range(PREFIX + "/"));
    await("new again", other::looksNew);
    assertEquals(10, secondsOfNew());
  }

  private long secondsOfNew() {
    Map<String, Object> fresh = Requests.get(new Keys(PREFIX).fresh());
    long lease =
        gateway
            .call("kv/range", fresh, Gateway.Kind.READ)
            .objects("kvs")
            .getFirst()
            .number("lease");
    return gateway
        .call("lease/timetolive", Map.of("ID", lease), Gateway.Kind.READ)
        .number("grantedTTL");
  }

  @Test
  void aWipedEtcdVanishesAndLooksNew() throws Exception {
    Lease one = claim(1);
    assertEquals(one, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    await("settled", () -> !other.looksNew());
    var _ = gateway.call("kv/deleterange", Requests.range(PREFIX + "/"), Gateway.Kind.WRITE);
    assertEquals(one.subnet(), assertInstanceOf(LeaseEvent.Vanished.class, next()).subnet());
    assertTrue(other.looksNew());
    await("settled again", () -> !other.looksNew());
  }

  /** Its revisions go back, and what was leased since then is not in it. */
  @Test
  void aRestoredBackupIsNoticedAndReadAnew() throws Exception {
    Lease one = claim(1);
    assertEquals(one, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    etcd.kill();
    etcd.backUp();
    etcd.restart();
    Lease two = claim(2);
    assertEquals(two, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    for (int i = 0; i < 5; i++) {
      two = done(other.renew(two, two));
      assertEquals(two, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
    }
    etcd.kill();
    etcd.restoreBackUp();
    etcd.restart();
    assertEquals(two.subnet(), assertInstanceOf(LeaseEvent.Vanished.class, next()).subnet());
    await(
        "told",
        () -> watched.problems().stream().anyMatch(p -> p.startsWith("etcd is not what it was: ")));
    assertEquals(List.of(one), watched.list());
    assertTrue(watched.looksNew(), "newcomers wait until those who live have written again");
  }

  @Test
  void whatPeopleWriteIsUnderstoodAndWhatIsNoneIsTold() throws Exception {
    String text =
        """
        subnet = 10.244.7.0/24
        vni = 1
        host = by-hand
        address = 10.17.2.7
        mac = 02:00:0a:11:02:07
        """;
    put("/leases/1/24/10.244.7.0", text);
    Lease byHand = assertInstanceOf(LeaseEvent.Announced.class, next()).lease();
    assertEquals(LeaseText.parse(text, 4789), byHand);
    assertFalse(watched.problems().stream().anyMatch(p -> p.contains("10.244.7.0")));

    put("/leases/1/24/10.244.8.0", text);
    put("/leases/1/24/10.244.9.0", "subnet = 10.244.9.0/24");
    put("/something", "else");
    await("three problems", () -> watched.problems().size() == 3);
    List<String> problems = watched.problems();
    assertEquals(
        "The lease of 10.244.7.0/24 (VNI 1) in etcd lies at /culvert/leases/1/24/10.244.8.0 in place"
            + " of /culvert/leases/1/24/10.244.7.0; move it.",
        problems.get(0));
    assertTrue(
        problems.get(1).startsWith("The lease at /culvert/leases/1/24/10.244.9.0 in etcd is malf"));
    assertEquals(
        "The key /culvert/something in etcd is none of Culvert's; delete it.", problems.get(2));
    assertEquals(List.of(byHand), watched.list());
    Lease renewed = done(other.renew(byHand, byHand));
    assertEquals(renewed, assertInstanceOf(LeaseEvent.Announced.class, next()).lease());
  }

  private void put(String key, String value) {
    var _ = gateway.call("kv/put", Requests.put(PREFIX + key, value), Gateway.Kind.WRITE);
  }
}
