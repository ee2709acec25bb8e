// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What people write into etcd harms only itself, and is told with its key. */
@Tag("store")
final class EtcdByHandTest {
  private static final String PREFIX = "/culvert";

  private static String text(String subnet, String host) {
    return """
    subnet = %s
    vni = 1
    host = %s
    address = 10.17.2.9
    mac = 02:00:0a:11:02:09
    """
        .formatted(subnet, host);
  }

  private static void put(Gateway gateway, String key, String value) {
    var _ = gateway.call("kv/put", Requests.put(PREFIX + key, value), Gateway.Kind.WRITE);
  }

  @Test
  void overlapsAreToldToWhoReadsAndToWhoWatches() throws Exception {
    try (EtcdProcess etcd = EtcdProcess.start();
        EtcdLeaseStore reader = new EtcdLeaseStore(etcd.config(PREFIX));
        EtcdLeaseStore watcher = new EtcdLeaseStore(etcd.config(PREFIX));
        Gateway gateway = new Gateway(etcd.config(PREFIX))) {
      AutoCloseable _ = watcher.watch(event -> {});
      var narrow = done(reader.acquire(lease("10.244.6.0/24", 1, "host-06")));
      put(gateway, "/leases/1/23/10.244.6.0", text("10.244.6.0/23", "wide"));
      List<String> told =
          List.of(
              "The leases of 10.244.6.0/23 (VNI 1) of wide and 10.244.6.0/24 (VNI 1) of host-06 in"
                  + " etcd overlap (/culvert/leases/1/23/10.244.6.0,"
                  + " /culvert/leases/1/24/10.244.6.0); delete or mend one of them.");
      assertEquals(2, reader.list().size());
      assertEquals(told, reader.problems());
      for (int i = 0; i < 100 && watcher.problems().isEmpty(); i++) {
        Thread.sleep(50);
      }
      assertEquals(told, watcher.problems());

      reader.release(narrow);
      assertEquals(1, reader.list().size());
      assertEquals(List.of(), reader.problems());
      for (int i = 0; i < 100 && !watcher.problems().isEmpty(); i++) {
        Thread.sleep(50);
      }
      assertEquals(List.of(), watcher.problems());
    }
  }
}
