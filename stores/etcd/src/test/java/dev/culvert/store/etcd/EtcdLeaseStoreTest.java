// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.culvert.control.LeaseStore;
import dev.culvert.control.store.LeaseStoreContract;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The contract on a real etcd, each test below a prefix of its own. */
@Tag("store")
final class EtcdLeaseStoreTest extends LeaseStoreContract {
  private static EtcdProcess etcd;
  private static int tests;

  @BeforeAll
  static void startEtcd() throws Exception {
    etcd = EtcdProcess.start();
  }

  @AfterAll
  static void stopEtcd() {
    etcd.close();
  }

  @AfterEach
  void nextPrefix() {
    tests++;
  }

  @Test
  void itsTimeIsThatOfTheMember() {
    try (LeaseStore store = open()) {
      Instant before = Instant.now().minusSeconds(1); // whole seconds
      Instant time = store.time().orElseThrow();
      assertFalse(time.isBefore(before) || time.isAfter(Instant.now()), time.toString());
    }
  }

  @Override
  protected LeaseStore open() {
    return new EtcdLeaseStore(etcd.config("/culvert-test-" + tests));
  }
}
