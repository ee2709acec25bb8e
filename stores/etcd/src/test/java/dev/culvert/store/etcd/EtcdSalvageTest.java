// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static dev.culvert.store.etcd.Waiting.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore.Result;
import dev.culvert.datapath.Subnet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * An etcd that lost leases, and holders that cannot reach it: one host that knew of them is enough
 * for their subnets to be nobody else's.
 */
@Tag("store")
final class EtcdSalvageTest {
  private static final String PREFIX = "/culvert";

  /** More than go into one transaction. */
  private static final int MANY = Salvage.AT_ONCE + 10;

  private final List<LeaseEvent> events = Collections.synchronizedList(new ArrayList<>());
  private EtcdProcess etcd;
  private EtcdLeaseStore witness;

  /** Whose hosts are cut off once they have their leases. */
  private EtcdLeaseStore holders;

  private EtcdLeaseStore newcomer;

  @BeforeEach
  void start() throws Exception {
    etcd = EtcdProcess.start();
    witness = new EtcdLeaseStore(etcd.config(PREFIX));
    holders = new EtcdLeaseStore(etcd.config(PREFIX));
    newcomer = new EtcdLeaseStore(etcd.config(PREFIX));
    AutoCloseable _ = witness.watch(events::add);
  }

  @AfterEach
  void stop() {
    witness.close();
    holders.close();
    newcomer.close();
    etcd.close();
  }

  private Lease claim(int number, String length) {
    String prefix = "10.244." + number + ".0/" + length;
    return done(holders.acquire(lease(prefix, 1, "host-" + number)));
  }

  private void awaitHeard(Lease lease) throws InterruptedException {
    await(
        lease + " is heard of",
        () ->
            List.copyOf(events).stream()
                .anyMatch(event ->
                    event instanceof LeaseEvent.Announced(long _, Lease a) && a.equals(lease)));
  }

  /** As a host that has no subnet: it waits while the store looks new. */
  private void isRefused(Lease held) throws InterruptedException {
    await("it looks new no more", () -> !newcomer.looksNew());
    Lease wanted = lease(held.subnet().prefix().toString(), 1, "newcomer");
    assertEquals(held, assertInstanceOf(Result.Conflict.class, newcomer.acquire(wanted)).current());
  }

  @Test
  void ofAWipedEtcdEveryLeaseIsPutBack() throws Exception {
    List<Lease> held = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      held.add(claim(i, "24"));
    }
    held.add(claim(200, "28"));
    awaitHeard(held.getLast());
    etcd.kill();
    etcd.wipe();
    etcd.restart();
    isRefused(held.getFirst());
    await("all are there", () -> newcomer.list().size() == held.size());
    assertEquals(List.copyOf(held), newcomer.list());
  }

  @Test
  void whereAllIsDeletedLeasesArePutBackAndWhereOneIsItIsNot() throws Exception {
    Lease one = claim(1, "24");
    Lease two = claim(2, "24");
    Lease back = claim(3, "24");
    awaitHeard(back);
    holders.release(back);
    try (Gateway admin = new Gateway(etcd.config(PREFIX))) {
      Json _ =
          admin.call(
              "kv/deleterange",
              Requests.get(new Keys(PREFIX).lease(one.subnet())),
              Gateway.Kind.WRITE);
      await("it is gone", () -> heardTheEndOf(one.subnet()));
      Json _ = admin.call("kv/deleterange", Requests.range(PREFIX + "/"), Gateway.Kind.WRITE);
    }
    isRefused(two);
    assertEquals(List.of(two), newcomer.list(), "and not what was deleted, or given back, before");
  }

  private boolean heardTheEndOf(Subnet subnet) {
    return List.copyOf(events).stream()
        .anyMatch(event ->
            event instanceof LeaseEvent.Vanished(long _, Subnet gone, long _)
                && gone.equals(subnet));
  }

  /**
   * The holder by the backup is gone or has another subnet by now; the other one has containers.
   */
  @Test
  void whoGotASubnetAfterTheBackupKeepsIt() throws Exception {
    Lease former = claim(1, "24");
    etcd.kill();
    etcd.backUp();
    etcd.restart();
    holders.release(former);
    Lease now = done(holders.acquire(lease("10.244.1.0/24", 1, "another")));
    awaitHeard(now);
    etcd.kill();
    etcd.restoreBackUp();
    events.clear();
    etcd.restart();
    await("it is put back", () -> newcomer.list().equals(List.of(now)));
    await("it is told", () -> !witness.problems().isEmpty());
    assertTrue(
        List.copyOf(events).stream()
            .noneMatch(event ->
                event instanceof LeaseEvent.Announced(long _, Lease a) && a.equals(former)),
        "nobody here is told that the former holder has it: " + events);
  }
}
