// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of docs/embedding.md: it compiles, works, and is what the page shows. */
final class EmbeddingExampleTest {
  private static final String BEGIN = "  // example begins\n";
  private static final String END = "  // example ends\n";

  @TempDir Path leases;

  // example begins
  Endpoint joinAndAttach(Path leaseDirectory, Datapath datapath, Path netns) {
    OverlayConfig config =
        OverlayConfig.builder(new HostName("host-01"), IpPrefix.parseAddress("10.17.2.2"))
            .network(IpPrefix.parse("10.244.0.0/16")) // any free subnet of it
            .build();
    try (LeaseStore store = new DirectoryLeaseStore(leaseDirectory);
        Overlay overlay = Overlay.start(config, store, datapath)) {
      Endpoint container = overlay.attach(netns, new InterfaceName("eth0"), Optional.empty());
      overlay.status().problems().forEach(System.out::println);
      return container;
    } // the control plane stops; packets keep flowing and the lease stays
  }

  // example ends

  @Test
  void theExampleWorksTwiceInARow() {
    FakeDatapath datapath = new FakeDatapath();
    Endpoint container = joinAndAttach(leases, datapath, Path.of("/run/netns/container-1"));
    assertEquals(IpPrefix.parseAddress("10.244.1.2"), container.address());
    assertEquals(1, datapath.read().endpoints().size());
    assertEquals(container, joinAndAttach(leases, datapath, Path.of("/run/netns/container-1")));
    assertEquals(1, datapath.read().endpoints().size(), "after the second run");
    try (LeaseStore store = new DirectoryLeaseStore(leases)) {
      assertEquals(new HostName("host-01"), store.list().getFirst().host());
    }
  }

  @Test
  void thePageShowsThisVeryCode() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/dev/culvert/control/EmbeddingExampleTest.java"));
    int begin = source.lastIndexOf(BEGIN) + BEGIN.length();
    String example = source.substring(begin, source.lastIndexOf(END)).strip().indent(-2);
    String page = Files.readString(Path.of("..", "docs", "embedding.md"));
    for (String line : example.lines().map(String::strip).toList()) {
      assertTrue(page.contains(line), "docs/embedding.md lacks: " + line);
    }
  }

  @Test
  void theLeaseFileOfItsPageIsRead() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "lease-files.md"));
    int begin = page.indexOf("```\n") + 4;
    Files.writeString(
        leases.resolve("10.244.2.0-24.lease"), page.substring(begin, page.indexOf("```", begin)));
    try (LeaseStore store = new DirectoryLeaseStore(leases)) {
      assertEquals(1, store.list().size(), store.problems().toString());
      Lease lease = store.list().getFirst();
      assertEquals(Fixtures.subnet("10.244.2.0/24"), lease.subnet());
      assertEquals(new HostName("host-02"), lease.host());
      assertEquals(Optional.empty(), lease.expires());
    }
  }
}
