// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.Acknowledged;
import dev.culvert.control.HostName;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.lab.Patience;
import dev.culvert.lab.Shell;
import dev.culvert.store.etcd.EtcdConfig;
import dev.culvert.store.etcd.EtcdLeaseStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Chaos that could not find what is wrong would prove nothing. */
@Tag("store")
class BrokenStoreTest {
  private static final Duration JOIN = Duration.ofSeconds(30);
  private static final Duration TAKEN = Duration.ofSeconds(90);
  private static final Duration LOOKED = Duration.ofSeconds(5);
  private static final int HOSTS = 4;
  private static final int ROUNDS = 4;

  @TempDir Path folder;
  private final Shell shell = new Shell();
  private final Forwarders forwarders = new Forwarders();
  private EtcdMember etcd;
  private List<SimulatedHost> hosts = List.of();

  /** On an address of the loopback's that is this process's own. */
  @BeforeEach
  void startEtcd() {
    long pid = ProcessHandle.current().pid();
    String address = "127.%d.%d.2".formatted(1 + pid / 250 % 250, 1 + pid % 250);
    etcd = new EtcdMember(shell, "", address, folder.resolve("m1"), Optional.empty());
    etcd.start("m1=" + etcd.peer());
    EtcdAdmin admin = new EtcdAdmin();
    Patience.until("etcd to serve", JOIN, () -> admin.serves(etcd.adminEndpoint()));
  }

  @AfterEach
  void stopAll() {
    hosts.forEach(SimulatedHost::kill);
    etcd.kill();
    shell.close();
  }

  @Test
  void renewalsThatCompareNothingAreFound() {
    assertEquals(List.of(), faults(this::store, 1), "with the store as it is");
    stopHosts();
    List<String> found = faults(() -> new OverwritingStore(store()), ROUNDS);
    assertTrue(
        found.stream().anyMatch(violation -> violation.contains(", who did not give it back, ")),
        found.toString());
  }

  private LeaseStore store() {
    return new EtcdLeaseStore(EtcdConfig.plain(List.of(etcd.endpoint())));
  }

  private void stopHosts() {
    hosts.forEach(SimulatedHost::leave);
  }

  /**
   * Three subnets and four hosts: each who oversleeps loses its subnet to the one that has none.
   */
  private List<String> faults(Supplier<LeaseStore> store, int rounds) {
    Random random = new Random(5);
    Acknowledged acknowledged = new Acknowledged();
    var around = new SimulatedHost.Surroundings(store, forwarders, acknowledged);
    hosts =
        IntStream.rangeClosed(1, HOSTS)
            .mapToObj(i -> new SimulatedHost(config(i), around))
            .toList();
    hosts.forEach(SimulatedHost::start);
    assertEquals(HOSTS - 1, hosts.stream().filter(SimulatedHost::isRunning).count());
    for (int i = 0; i < rounds && violations(acknowledged).isEmpty(); i++) {
      List<SimulatedHost> running = hosts.stream().filter(SimulatedHost::isRunning).toList();
      SimulatedHost waiting =
          hosts.stream().filter(host -> !host.isRunning()).findFirst().orElseThrow();
      SimulatedHost sleeper = running.get(random.nextInt(running.size()));
      sleeper.freeze();
      Patience.until(
          waiting.name() + " to take the subnet of a frozen host", TAKEN, waiting::start);
      sleeper.thaw();
      boolean _ = Patience.holdsWithin(LOOKED, () -> !violations(acknowledged).isEmpty());
      sleeper.kill(); // and so there is one again that has none
    }
    return violations(acknowledged);
  }

  private List<String> violations(Acknowledged acknowledged) {
    return Stream.concat(forwarders.violations().stream(), acknowledged.overwritten().stream())
        .toList();
  }

  private static OverlayConfig.Builder config(int number) {
    return OverlayConfig.builder(
            new HostName("sim-%02d".formatted(number)),
            IpPrefix.parseAddress("10.17.2." + (100 + number)))
        .network(IpPrefix.parse("10.244.0.0/22"))
        .leaseDuration(OverlayConfig.MIN_LEASE_DURATION);
  }
}
