// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.address;
import static dev.culvert.control.Fixtures.subnet;

import dev.culvert.control.store.MemoryLeaseStore;
import dev.culvert.datapath.IpPrefix;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;

/** Overlays on one store, whose clock stands still; all of them are closed after each test. */
abstract class OverlayFixture {
  static final Path NETNS = Path.of("/run/netns/container-1");
  static final Duration LEASE = Duration.ofHours(1);

  final ManualClock clock = new ManualClock();
  final MemoryLeaseStore memory = new MemoryLeaseStore();
  final FlakyStore store = new FlakyStore(memory);
  final FakeDatapath datapath = new FakeDatapath();
  final List<Overlay> overlays = new ArrayList<>();

  @AfterEach
  void close() {
    overlays.forEach(Overlay::close);
    memory.close();
  }

  /** What a host of this test asks for: an IPv4 network, tunnels alone. */
  OverlayConfig config(String host, String underlay) {
    return config(host, underlay, "10.244.0.0/16", null, false);
  }

  /**
   * @param subnet the one to ask for; null for any
   */
  static OverlayConfig config(
      String host, String underlay, String network, String subnet, boolean directRouting) {
    Optional<IpPrefix> wanted = Optional.ofNullable(subnet).map(IpPrefix::parse);
    return OverlayConfig.builder(new HostName(host), address(underlay))
        .network(new OverlayConfig.Network(IpPrefix.parse(network), 24, wanted))
        .directRouting(directRouting)
        .leaseDuration(LEASE)
        .build();
  }

  /** Closed after the test. */
  Overlay start(OverlayConfig config, FakeDatapath on) {
    Overlay overlay = Overlay.start(config, store, on, clock);
    overlays.add(overlay);
    return overlay;
  }

  /** host-01 on {@link #datapath}. */
  Overlay start() {
    return start(config("host-01", "10.17.2.2"), datapath);
  }

  /** Each question also has the overlay look at the clock. */
  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1000; i++) {
      if (condition.getAsBoolean()) {
        return;
      }
      Thread.sleep(5);
    }
    throw new AssertionError("waited 5 seconds for: " + what);
  }

  /** Subnets of other hosts and where these are, such as "10.244.2.0/24 10.18.2.2". */
  static List<String> remotes(Overlay overlay) {
    return overlay.status().remotes().stream()
        .map(remote -> remote.subnet().prefix() + " " + remote.remote().address().getHostAddress())
        .toList();
  }

  /** Another host's lease, without an end. */
  void peer(String prefix, String host, String underlay) {
    memory.acquire(Fixtures.lease(prefix, host, 1, underlay, 1));
  }
}
