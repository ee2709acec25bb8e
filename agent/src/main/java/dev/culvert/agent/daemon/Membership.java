// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.socket.Instance;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.Overlay;
import dev.culvert.control.OverlayConfig;
import dev.culvert.control.OverlayStatus;
import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.datapath.ebpf.EbpfConfig;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.datapath.userspace.UserspaceConfig;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.Netlink;
import java.net.InetAddress;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Store, datapath and overlay, opened in this order and closed in the other. */
final class Membership implements AutoCloseable {
  private final LeaseStore store;
  private final Datapath datapath;
  private final Overlay overlay;
  private final AutoCloseable addressWatch;

  private Membership(
      LeaseStore store, Datapath datapath, Overlay overlay, AutoCloseable addressWatch) {
    this.store = store;
    this.datapath = datapath;
    this.overlay = overlay;
    this.addressWatch = addressWatch;
  }

  /**
   * All or nothing: what a failed first start made is removed again; what was there before stays.
   */
  static Membership join(AgentConfig config, Libc libc, Consumer<String> say) {
    OverlayConfig overlayConfig = overlayConfig(config, libc);
    if (config.datapath() == AgentConfig.Kind.USERSPACE) {
      refuseToChange(config);
      return join(config, overlayConfig, libc);
    }
    boolean mounted = PinFileSystem.ensure(libc, config.bpffs(), say);
    try {
      return join(config, overlayConfig, libc);
    } catch (RuntimeException e) {
      undo(e, mounted ? () -> PinFileSystem.release(libc, config.bpffs()) : () -> {});
      throw e;
    }
  }

  /** Two datapaths would carry the same packets. */
  private static void refuseToChange(AgentConfig config) {
    if (Files.isDirectory(Instance.of(config).pins())) {
      throw new UserException(
          "The kernel still carries packets for "
              + config.host()
              + " by eBPF: run \"culvert leave --host "
              + config.host()
              + "\" before it starts with \"datapath: userspace\".");
    }
  }

  private static Membership join(AgentConfig config, OverlayConfig overlayConfig, Libc libc) {
    boolean pinned = Files.isDirectory(Instance.of(config).pins());
    LeaseStore store = new DirectoryLeaseStore(config.storeDirectory(), config.port());
    try {
      Datapath datapath = openDatapath(config, libc);
      boolean takesOver = pinned || !datapath.read().endpoints().isEmpty();
      try {
        Overlay overlay = Overlay.start(overlayConfig, store, datapath);
        try {
          config.bridges().forEach(overlay::attachBridge);
          AutoCloseable watch = watch(config, overlayConfig.underlayAddress(), libc, overlay);
          return new Membership(store, datapath, overlay, watch);
        } catch (RuntimeException e) {
          // Without its bridges the host is not what it was asked to be.
          undo(e, takesOver ? overlay::close : overlay::leave);
          throw e;
        }
      } catch (RuntimeException e) {
        undo(e, takesOver ? () -> {} : datapath::remove);
        undo(e, datapath::close);
        throw e;
      }
    } catch (RuntimeException e) {
      undo(e, store::close);
      throw e;
    }
  }

  /** An address that the configuration names is not left for another. */
  private static AutoCloseable watch(
      AgentConfig config, InetAddress address, Libc libc, Overlay overlay) {
    return config.underlay().address().isPresent()
        ? () -> {}
        : UnderlayWatch.start(libc, config.underlay(), address, overlay::moveTo);
  }

  private static void undo(RuntimeException cause, Runnable step) {
    try {
      step.run();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /** Opens the one that the configuration asks for, and takes over what it left before. */
  static Datapath openDatapath(AgentConfig config, Libc libc) {
    return switch (config.datapath()) {
      case EBPF -> EbpfDatapath.open(libc, datapathConfig(config));
      case USERSPACE ->
          UserspaceDatapath.open(
              libc,
              UserspaceConfig.builder(
                      Instance.of(config).pins().getFileName().toString(),
                      config.underlay().interfaceName(),
                      config.vni())
                  .port(config.port())
                  .sourcePorts(config.sourcePorts())
                  .build());
    };
  }

  private static EbpfConfig datapathConfig(AgentConfig config) {
    return EbpfConfig.builder(Instance.of(config).pins(), config.underlay().interfaceName())
        .moreUnderlays(config.underlay().interfaces().stream().skip(1).toList())
        .port(config.port())
        .sourcePorts(config.sourcePorts())
        .decapsulation(config.decapsulation())
        .pathMtuLifetime(config.pathMtuLifetime())
        .udpChecksum6(config.udpChecksum6())
        .build();
  }

  private static OverlayConfig overlayConfig(AgentConfig config, Libc libc) {
    try (Netlink netlink = Netlink.open(libc)) {
      OverlayConfig.Builder builder =
          OverlayConfig.builder(
                  config.host(),
                  UnderlayAddress.choose(
                      config.underlay(), families(config), netlink.links(), netlink.addresses()))
              .vni(config.vni())
              .directRouting(config.directRouting())
              .leaseDuration(config.leaseDuration());
      config.networks().forEach(builder::network);
      return builder.build();
    }
  }

  /** In the order of the networks. */
  private static List<IpFamily> families(AgentConfig config) {
    return config.networks().stream().map(network -> network.prefix().family()).toList();
  }

  Overlay overlay() {
    return overlay;
  }

  /** The overlay's, with what keeps the agent itself from carrying packets. */
  OverlayStatus status() {
    OverlayStatus status = overlay.status();
    Optional<String> failure =
        datapath instanceof UserspaceDatapath own ? own.failure() : Optional.empty();
    if (failure.isEmpty()) {
      return status;
    }
    List<String> problems = new ArrayList<>(status.problems());
    problems.addFirst(failure.get());
    return status.withProblems(problems);
  }

  /** The tables, where they are in this process. */
  Optional<DatapathSnapshot> tables() {
    return datapath instanceof UserspaceDatapath own
        ? Optional.of(DatapathSnapshot.ofProcess(own.identity(), own.read(), own.counters()))
        : Optional.empty();
  }

  /** Where outer headers come off, and why. */
  Optional<DecapsulationChoice> decapsulation() {
    return datapath instanceof EbpfDatapath programs ? programs.decapsulation() : Optional.empty();
  }

  /** Lets go: packets keep flowing, unless the agent itself carried them. */
  @Override
  public void close() {
    try (store;
        datapath) {
      stopWatching();
      overlay.close();
    }
  }

  private void stopWatching() {
    try {
      addressWatch.close();
    } catch (Exception e) {
      throw new IllegalStateException("The watch of the underlay address did not close.", e);
    }
  }
}
