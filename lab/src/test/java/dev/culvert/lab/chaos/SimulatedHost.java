// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.control.Acknowledged;
import dev.culvert.control.FakeDatapath;
import dev.culvert.control.HistoryInvariants;
import dev.culvert.control.HistoryMember;
import dev.culvert.control.HostName;
import dev.culvert.control.LeaseMemory;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.Overlay;
import dev.culvert.control.OverlayConfig;
import dev.culvert.control.TimeSource;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * An agent in this process, with all of its own threads and a store of its own, and tables in
 * memory in the kernel's place.
 */
final class SimulatedHost implements HistoryMember {
  /** What all of them share. */
  record Surroundings(
      Supplier<LeaseStore> opens, Forwarders forwarders, Acknowledged acknowledged) {}

  /** Its disk, which outlives a reboot. */
  private static final class Disk implements LeaseMemory {
    private volatile Optional<Remembered> kept = Optional.empty();

    @Override
    public Optional<Remembered> recall() {
      return kept;
    }

    @Override
    public void remember(Remembered remembered) {
      kept = Optional.of(remembered);
    }

    @Override
    public void forget() {
      kept = Optional.empty();
    }
  }

  private final OverlayConfig config;
  private final Surroundings around;
  private FakeDatapath datapath;
  private volatile Gate gate = new Gate();
  private volatile boolean frozen;
  private LeaseStore store;
  private volatile Optional<Overlay> overlay = Optional.empty();
  private volatile boolean wanted = true;

  SimulatedHost(OverlayConfig.Builder config, Surroundings around) {
    this.config = config.memory(new Disk()).build();
    this.around = around;
    newKernel();
  }

  private void newKernel() {
    datapath = new FakeDatapath();
    around.forwarders().changed(name(), Set.of());
    datapath.onForwarding(now -> around.forwarders().changed(name(), now));
  }

  /** Whether it runs, or is to run as soon as it can. */
  boolean isWanted() {
    return wanted;
  }

  boolean isRunning() {
    return overlay.isPresent();
  }

  /** Whether it runs, and runs on. */
  boolean isAwake() {
    return isRunning() && !frozen;
  }

  /**
   * Joins, or is refused: the network may be full, and the store away.
   *
   * @return whether it runs
   */
  synchronized boolean start() {
    if (isRunning()) {
      return true;
    }
    wanted = true;
    gate = new Gate();
    Gate own = gate;
    store = new GatedStore(around.opens().get(), own, around.acknowledged());
    try {
      overlay = Optional.of(Overlay.start(config, store, datapath, gated(own)));
      around.forwarders().started(name());
    } catch (RefusedException | LeaseStoreException e) {
      store.close();
    }
    return isRunning();
  }

  private static TimeSource gated(Gate gate) {
    TimeSource system = TimeSource.system();
    return new TimeSource() {
      @Override
      public Instant wallTime() {
        gate.pass();
        return system.wallTime();
      }

      @Override
      public Duration elapsed() {
        gate.pass();
        return system.elapsed();
      }
    };
  }

  /** The agent ends; what its kernel has stays, and so does its lease. */
  synchronized void kill() {
    wanted = false;
    around.forwarders().sleeps(name());
    overlay.ifPresent(running -> {
      store.close(); // so that nothing more is asked of it
      running.close();
    });
    overlay = Optional.empty();
  }

  /** Its kernel knows nothing any more. */
  synchronized void reboot() {
    kill();
    newKernel();
  }

  /** It is started again as soon as somebody has the time. */
  void wantAgain() {
    wanted = true;
  }

  synchronized void leave() {
    wanted = false;
    around.forwarders().sleeps(name());
    overlay.ifPresent(Overlay::leave);
    overlay = Optional.empty();
    store.close();
    newKernel();
  }

  void freeze() {
    frozen = true;
    around.forwarders().sleeps(name());
    gate.shut();
  }

  void thaw() {
    around.forwarders().woke(name());
    gate.open();
    frozen = false;
  }

  @Override
  public HostName name() {
    return config.host();
  }

  @Override
  public Optional<Subnet> own() {
    return overlay.flatMap(running -> running.status().lease()).map(lease -> lease.subnet());
  }

  @Override
  public Set<Subnet> forwards() {
    return datapath.locals().stream().map(LocalSubnet::subnet).collect(Collectors.toSet());
  }

  @Override
  public List<String> table() {
    return HistoryInvariants.table(datapath.read().remotes());
  }

  @Override
  public List<String> problems() {
    return overlay.map(running -> running.status().problems()).orElse(List.of());
  }
}
