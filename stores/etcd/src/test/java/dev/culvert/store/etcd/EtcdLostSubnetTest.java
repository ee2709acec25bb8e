// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static dev.culvert.control.store.LeaseStoreContract.done;
import static dev.culvert.control.store.LeaseStoreContract.lease;
import static dev.culvert.store.etcd.Waiting.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.FakeDatapath;
import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.Overlay;
import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.IpPrefix;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The loser of a dispute in a real etcd takes another subnet. */
@Tag("store")
final class EtcdLostSubnetTest {
  @Test
  void withoutContainersItTakesAnother() throws Exception {
    OverlayConfig config =
        OverlayConfig.builder(new HostName("loser"), InetAddress.ofLiteral("10.17.2.2"))
            .network(IpPrefix.parse("10.244.0.0/16"))
            .build();
    FakeDatapath datapath = new FakeDatapath();
    try (EtcdProcess etcd = EtcdProcess.start();
        EtcdLeaseStore store = new EtcdLeaseStore(etcd.config("/culvert"));
        EtcdLeaseStore other = new EtcdLeaseStore(etcd.config("/culvert"));
        Overlay overlay = Overlay.start(config, store, datapath)) {
      Lease own = overlay.status().lease().orElseThrow();
      String lost = own.subnet().prefix().toString();
      Lease theirs = done(other.renew(own, lease(lost, 1, "winner")));
      await(
          "the loss is told",
          30,
          () ->
              overlay.status().problems().stream()
                  .anyMatch(problem -> problem.startsWith("This host lost its lease of " + lost)));
      assertEquals(List.of(), datapath.locals());
      await(
          "another",
          30,
          () -> !overlay.status().lease().orElseThrow().subnet().equals(own.subnet()));
      await("it is forwarded", 30, () -> datapath.locals().size() == 1);
      assertTrue(other.list().contains(theirs), "the winner keeps it");
      assertEquals(2, other.list().size());
    }
  }
}
