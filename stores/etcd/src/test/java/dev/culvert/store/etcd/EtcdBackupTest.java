// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Lease;
import dev.culvert.datapath.Vtep;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An etcd that was set back: it is known again, and no generation is given twice. */
@Tag("store")
final class EtcdBackupTest {
  private static final String PREFIX = "/culvert";

  @Test
  void noGenerationThatSomebodyHeardOfIsGivenAgain() throws Exception {
    try (EtcdProcess etcd = EtcdProcess.start();
        EtcdLeaseStore watcher = new EtcdLeaseStore(etcd.config(PREFIX));
        EtcdLeaseStore store = new EtcdLeaseStore(etcd.config(PREFIX))) {
      AutoCloseable _ = watcher.watch(event -> {});
      Lease two = done(store.acquire(lease("10.244.2.0/24", 1, "host-02")));
      etcd.kill();
      etcd.backUp();
      etcd.restart();
      for (int i = 0; i < 5; i++) {
        two = done(store.renew(two, two));
      }
      Lease gone = done(store.acquire(lease("10.244.3.0/24", 1, "host-03").withGeneration(8)));
      for (int i = 0; i < 200 && !watcher.list().contains(gone); i++) {
        Thread.sleep(50);
      }
      store.release(gone);
      Thread.sleep(500); // the watch hears of it too
      etcd.kill();
      etcd.restoreBackUp();
      etcd.restart();
      for (int i = 0; i < 400 && watcher.problems().isEmpty(); i++) {
        Thread.sleep(50);
      }
      for (int i = 0; i < 400 && store.read().contents().floor().generation() < 8; i++) {
        Thread.sleep(50);
      }
      assertEquals(8, store.read().contents().floor().generation());

      // The backup has generation 1 of it, and the watcher puts back the 6 that it knows.
      for (int i = 0; i < 400 && !store.list().contains(two); i++) {
        Thread.sleep(50);
      }
      assertEquals(7, done(store.renew(two, two)).generation());
      // A subnet of which the store remembers nothing, and one that it never heard of.
      assertEquals(9, done(store.acquire(lease("10.244.3.0/24", 1, "host-05"))).generation());
      assertEquals(9, done(store.acquire(lease("10.244.4.0/24", 1, "host-04"))).generation());
    }
  }

  private static Contents contents(Map<String, Integer> modRevisions) throws Exception {
    Contents contents = new Contents(new Keys(PREFIX), Vtep.VXLAN_PORT);
    for (Map.Entry<String, Integer> key : modRevisions.entrySet()) {
      String pair =
          "{\"key\": \"%s\", \"value\": \"\", \"mod_revision\": \"%d\"}"
              .formatted(Json.encode(PREFIX + key.getKey()), key.getValue());
      contents.put(Json.parse(pair));
    }
    return contents;
  }

  /** Also where it went on after it was set back, so that its revisions tell nothing. */
  @Test
  void anotherHistoryIsKnownByItsKeys() throws Exception {
    Contents before = contents(Map.of("/a", 3, "/b", 7));
    assertFalse(contents(Map.of("/a", 3, "/b", 7)).contradicts(before, 7));
    assertFalse(contents(Map.of("/a", 3, "/b", 9, "/c", 8)).contradicts(before, 7));
    assertFalse(contents(Map.of("/a", 3)).contradicts(before, 7)); // deleted meanwhile
    assertTrue(contents(Map.of("/a", 3, "/b", 5)).contradicts(before, 7));
    assertTrue(contents(Map.of("/a", 3, "/b", 7, "/c", 6)).contradicts(before, 7));
  }
}
