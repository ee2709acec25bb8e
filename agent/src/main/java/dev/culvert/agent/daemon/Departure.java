// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.cni.Attachments;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.store.SnapshotFile;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Leaves the network in a dead agent's place. */
public final class Departure {
  /** A dead file server never answers; living stores do so sooner, or say why not. */
  private static final Duration STORE = Duration.ofSeconds(30);

  /** What leads to other hosts does not matter any more. */
  private static final AgentConfig.Underlay ANY =
      new AgentConfig.Underlay(new InterfaceName("lo"), Optional.empty());

  private Departure() {}

  /**
   * Removes what the agent made on this machine, then releases its lease: in this order, so that a
   * released subnet is not still served here.
   *
   * @param configFile the configuration's file, remembered in the lock while this runs
   * @param say takes a line for each thing done
   */
  public static void run(AgentConfig config, Path configFile, Consumer<String> say) {
    Privileges.require("Leaving");
    Instance instance = Instance.of(config);
    InstanceLock lock =
        InstanceLock.acquire(
            instance.lock(),
            config.host(),
            new InstanceLock.Holder(ProcessHandle.current().pid(), Instant.now(), configFile));
    try {
      removeDatapath(config, instance, say);
      config.memory().ifPresent(SnapshotFile::forget);
      releaseLeases(config, say);
      new Attachments(instance.socket()).removeAll();
      deleteSocket(instance.socket());
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
    lock.remove();
  }

  private static void removeDatapath(AgentConfig config, Instance instance, Consumer<String> say) {
    boolean ebpf = config.datapath() == AgentConfig.Kind.EBPF;
    if (ebpf && !Files.isDirectory(instance.pins())) {
      say.accept("nothing is pinned at " + instance.pins());
      return;
    }
    try (Datapath datapath = Membership.openDatapath(config, ANY, Libc.system())) {
      datapath.remove();
    } catch (RefusedException | KernelException e) {
      if (!ebpf) {
        throw e;
      }
      say.accept("the pins of " + config.host() + " are taken away unread: " + e.getMessage());
      EbpfDatapath.removeLeftovers(Libc.system(), instance.pins());
    }
    say.accept(
        "removed " + (ebpf ? "programs, pins, " : "") + "devices and routes of " + config.host());
  }

  private static void releaseLeases(AgentConfig config, Consumer<String> say) {
    try (LastResort resort = LastResort.start();
        LeaseStore store = config.store().open()) {
      resort.within(
          STORE,
          ("The store of leases does not answer within %d s, so that the lease of %s stays there;"
                  + " everything else is gone. Run this again when the store is back, or release the"
                  + " lease by hand.")
              .formatted(STORE.toSeconds(), config.host()));
      releaseLeases(store, config, say);
    }
  }

  private static void releaseLeases(LeaseStore store, AgentConfig config, Consumer<String> say) {
    List<Lease> own =
        store.list().stream()
            .filter(lease -> lease.host().equals(config.host()))
            .filter(lease -> lease.subnet().vni().equals(config.vni()))
            .filter(lease -> !lease.isStatic())
            .toList();
    for (Lease lease : own) {
      store.release(lease);
      say.accept("released the lease of " + lease.subnet());
    }
    config.agreed().removeIfUnused(store);
    if (own.isEmpty()) {
      say.accept("the store holds no lease of " + config.host());
    }
  }

  private static void deleteSocket(Path socket) {
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("Cannot remove the control socket " + socket, e);
    }
  }
}
