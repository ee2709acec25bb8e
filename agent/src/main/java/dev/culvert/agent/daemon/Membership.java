// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.socket.Instance;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.Overlay;
import dev.culvert.control.OverlayConfig;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.DecapsulationChoice;
import dev.culvert.datapath.ebpf.EbpfConfig;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.datapath.userspace.UserspaceConfig;
import dev.culvert.datapath.userspace.UserspaceDatapath;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.Netlink;
import java.net.InetAddress;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Store, datapath and overlay, opened in this order and closed in the other. */
final class Membership implements AutoCloseable {
  private final AgentConfig config;
  private final Libc libc;
  private final Firewall firewall;

  /** What takes the join back, newest first. */
  private final Deque<Runnable> undo = new ArrayDeque<>();

  // Assigned once, by join.
  private LeaseStore store;
  private Datapath datapath;
  private Overlay overlay;
  private AutoCloseable addressWatch = () -> {};

  private Membership(AgentConfig config, Libc libc) {
    this.config = config;
    this.libc = libc;
    this.firewall = new Firewall(libc, config);
  }

  /**
   * What the configuration means on this machine, now.
   *
   * @param underlay with the interfaces that were chosen
   */
  record Settled(OverlayConfig overlay, AgentConfig.Underlay underlay) {
    Settled withTakeOver(boolean value) {
      return new Settled(overlay.withTakeOver(value), underlay);
    }
  }

  /**
   * Finds that out.
   *
   * @throws UserException when the underlay's interface or address is not there
   */
  static Settled settle(AgentConfig config, Libc libc) {
    try (Netlink netlink = Netlink.open(libc)) {
      UnderlayChoice.Chosen chosen = UnderlayChoice.of(config, netlink);
      OverlayConfig.Builder builder =
          OverlayConfig.builder(config.host(), chosen.address())
              .vni(config.vni())
              .directRouting(config.directRouting())
              .followDirectRouting(config.follows().directRouting())
              .port(config.port())
              .followPort(config.follows().port())
              .leaseDuration(config.leaseDuration());
      config.networks().forEach(builder::network);
      config.memory().ifPresent(builder::memory);
      return new Settled(builder.build(), chosen.underlay());
    }
  }

  /** As the other {@code join}, with what the configuration means now. */
  static Membership join(AgentConfig config, Libc libc, Consumer<String> say) {
    return join(config, settle(config, libc), libc, say);
  }

  /**
   * All or nothing: what a failed first start made is removed again; what was there before stays.
   */
  static Membership join(AgentConfig config, Settled settled, Libc libc, Consumer<String> say) {
    Membership joining = new Membership(config, libc);
    try {
      joining.join(settled, say);
      return joining;
    } catch (Throwable e) { // an Error, too, leaves nothing behind
      joining.takeBack(e);
      throw e;
    }
  }

  private void join(Settled settled, Consumer<String> say) {
    if (config.datapath() == AgentConfig.Kind.USERSPACE) {
      refuseToChange(config);
    } else if (PinFileSystem.ensure(libc, config.bpffs(), say)) {
      undo.push(() -> PinFileSystem.release(libc, config.bpffs()));
    }
    boolean pinned = Files.isDirectory(Instance.of(config).pins());
    store = config.store().open();
    undo.push(store::close);
    datapath = openDatapath(config, settled.underlay(), libc);
    undo.push(datapath::close);
    boolean takesOver = pinned || !datapath.read().endpoints().isEmpty();
    if (!takesOver) {
      undo.push(datapath::remove);
    }
    overlay = Overlay.start(settled.overlay(), store, datapath);
    undo.push(takesOver ? overlay::close : overlay::leave);
    // Without its bridges the host is not what it was asked to be.
    config.bridges().forEach(overlay::attachBridge);
    addressWatch = watch(settled);
    undo.push(this::stopWatching);
  }

  /**
   * For a start that fails after this: leaves the network again, unless this host was a member
   * before, and closes.
   */
  void takeBack(Throwable cause) {
    while (!undo.isEmpty()) {
      try {
        undo.pop().run();
      } catch (RuntimeException e) {
        cause.addSuppressed(e);
      }
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

  /** An address that the configuration names is not left for another. */
  private AutoCloseable watch(Settled settled) {
    AgentConfig.Underlay underlay = settled.underlay();
    InetAddress address = settled.overlay().underlayAddress();
    return underlay.address().isPresent()
        ? () -> {}
        : UnderlayWatch.start(libc, underlay, address, overlay::moveTo);
  }

  /** Opens the one that the configuration asks for, and takes over what it left before. */
  static Datapath openDatapath(AgentConfig config, AgentConfig.Underlay underlay, Libc libc) {
    return switch (config.datapath()) {
      case EBPF -> EbpfDatapath.open(libc, datapathConfig(config, underlay));
      case USERSPACE -> UserspaceDatapath.open(libc, userspaceConfig(config, underlay));
    };
  }

  private static UserspaceConfig userspaceConfig(
      AgentConfig config, AgentConfig.Underlay underlay) {
    UserspaceConfig.Builder builder =
        UserspaceConfig.builder(
                Instance.of(config).pins().getFileName().toString(),
                underlay.interfaceName(),
                config.vni())
            .port(config.port())
            .sourcePorts(config.sourcePorts());
    config.masquerade().ifPresent(builder::masquerade);
    return builder.build();
  }

  private static EbpfConfig datapathConfig(AgentConfig config, AgentConfig.Underlay underlay) {
    EbpfConfig.Builder builder =
        EbpfConfig.builder(Instance.of(config).pins(), underlay.interfaceName())
            .moreUnderlays(underlay.interfaces().stream().skip(1).toList())
            .port(config.port())
            .followsPins(config.follows().port())
            .sourcePorts(config.sourcePorts())
            .decapsulation(config.decapsulation())
            .pathMtuLifetime(config.pathMtuLifetime())
            .udpChecksum6(config.udpChecksum6())
            .mapSizes(config.mapSizes());
    config.masquerade().ifPresent(builder::masquerade);
    return builder.build();
  }

  Overlay overlay() {
    return overlay;
  }

  AgentConfig config() {
    return config;
  }

  /** One line for people and scripts: this host's subnets and tunnel end. */
  String readyLine() {
    OverlayStatus status = overlay.status();
    Lease lease =
        status
            .lease()
            .orElseThrow(() -> new IllegalStateException("The overlay started without a lease."));
    String subnets =
        status.leases().stream()
            .map(held -> held.subnet().prefix().toString())
            .collect(Collectors.joining(" and "));
    return "culvert agent %s ready: %s %s, VTEP %s"
        .formatted(
            config.host(),
            status.leases().size() == 1 ? "subnet" : "subnets",
            subnets,
            lease.vtep());
  }

  /** The overlay's, with what keeps the agent itself from carrying packets. */
  OverlayStatus status() {
    OverlayStatus status = overlay.status();
    Optional<String> failure =
        datapath instanceof UserspaceDatapath own ? own.failure() : Optional.empty();
    List<String> problems = new ArrayList<>(failure.stream().toList());
    problems.addAll(firewall.drops());
    problems.addAll(status.problems());
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
    try (LeaseStore _ = store;
        Datapath _ = datapath) {
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
