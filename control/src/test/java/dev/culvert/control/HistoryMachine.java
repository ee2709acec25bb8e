// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.kernel.RefusedException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.stream.Collectors;

/** One machine of a history: its kernel's tables, which outlive its agent, and its clock. */
final class HistoryMachine implements HistoryMember {
  final HostName name;
  private final OverlayConfig config;
  private final HistoryStore.View view;
  private final TimeSource time;
  private final Queue<Runnable> mailbox = new ArrayDeque<>();
  private FakeDatapath datapath = new FakeDatapath();
  private Optional<OverlayCore> agent = Optional.empty();

  /** Until then the agent does not run, though it is not dead. */
  private Duration frozenUntil = Duration.ZERO;

  private boolean hadTurn;

  /** What somebody set the wall's clock ahead by. */
  Duration ahead = Duration.ZERO;

  HistoryMachine(OverlayConfig config, HistoryStore.View view, TimeSource time) {
    this.name = config.host();
    this.config = config;
    this.view = view;
    this.time = time;
  }

  boolean isRunning() {
    return agent.isPresent();
  }

  boolean isFrozen(Duration now) {
    return isRunning() && now.compareTo(frozenUntil) < 0;
  }

  void freeze(Duration until) {
    frozenUntil = until;
    hadTurn = false;
  }

  /** Whether it ran since it was frozen or started: before, it cannot know. */
  boolean hadTurn() {
    return hadTurn;
  }

  /** Joins, or is refused: the network may be full, and the store away. */
  void start() {
    var around = new OverlayCore.Surroundings(view, datapath, new SteadyClock(time));
    OverlayCore core = new OverlayCore(config, around, mailbox::add);
    try {
      core.start();
      agent = Optional.of(core);
      hadTurn = false;
      frozenUntil = Duration.ZERO;
    } catch (RefusedException | LeaseStoreException e) {
      core.stop();
    }
    mailbox.clear();
  }

  void kill() {
    agent = Optional.empty();
    view.forget();
    mailbox.clear();
  }

  /** The machine is made anew: its kernel knows nothing. */
  void reinstall() {
    kill();
    datapath = new FakeDatapath();
  }

  void leave() {
    try {
      agent.orElseThrow().leave();
    } catch (LeaseStoreException e) {
      // Its lease stays, and ends by itself.
    }
    reinstall();
  }

  /** Hears what there is to hear, and does what is due. */
  void turn() {
    view.tell();
    drain();
    agent.orElseThrow().doWork();
    drain();
    hadTurn = true;
  }

  private void drain() {
    for (Runnable message = mailbox.poll(); message != null; message = mailbox.poll()) {
      message.run();
    }
  }

  @Override
  public HostName name() {
    return name;
  }

  @Override
  public Optional<Subnet> own() {
    return agent.map(core -> core.status().leases().getFirst().subnet());
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
    return agent.orElseThrow().status().problems();
  }
}
