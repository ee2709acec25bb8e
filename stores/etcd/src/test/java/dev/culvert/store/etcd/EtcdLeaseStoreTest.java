// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.LeaseStore;
import dev.culvert.control.store.LeaseStoreContract;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

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

  @Override
  protected LeaseStore open() {
    return new EtcdLeaseStore(etcd.config("/culvert-test-" + tests));
  }
}
