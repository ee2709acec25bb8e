// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.cni.Attachments;
import dev.culvert.agent.cni.NetlinkKernel;
import dev.culvert.agent.cni.Plugin;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.config.ConfigFile;
import dev.culvert.agent.socket.ControlServer;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.agent.socket.RequestHandler;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.KernelClock;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The agent's life, from its lock to its last word. It is whole or gone: what ends one of its
 * threads ends the process, and so does a class that cannot be loaded any more; packets keep
 * flowing, and who starts it again goes on where it was.
 */
public final class Daemon {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  /** How long an end may take that keeps everything; service managers and people expect two. */
  private static final Duration KEEPING = Duration.ofMillis(1700);

  /** How long it may take to remove every container's interface. */
  private static final Duration LEAVING = Duration.ofSeconds(25);

  /** How it is started. */
  public record Start(
      Path configFile, Optional<Path> readyFile, boolean waitForUnderlay, boolean takeOver) {}

  private final Start start;
  private final Consumer<String> say;
  private final Libc libc = Libc.system();
  private final ServiceManager manager = ServiceManager.of(libc, System.getenv());
  private final Orders orders = new Orders();
  private final LastResort lastResort;
  private volatile AgentConfig config;

  /** Loaded now, while they can be: they tell of what cannot be loaded any more. */
  private static final List<Class<?>> NEEDED_LAST =
      List.of(UserException.class, Orders.End.class, StopSignals.Kind.class);

  private Daemon(AgentConfig config, Start start, Consumer<String> say, LastResort lastResort) {
    this.config = config;
    this.start = start;
    this.say = say;
    this.lastResort = lastResort;
  }

  /**
   * Runs until it is told to stop, by a signal or by request.
   *
   * @param say takes the lines for people; the last of them when starting begins with "culvert
   *     agent" and says "ready"
   */
  public static void run(Start start, Consumer<String> say) {
    AgentConfig config = ConfigFile.load(start.configFile());
    boolean userspace = config.datapath() == AgentConfig.Kind.USERSPACE;
    Privileges.require("The agent");
    Instance instance = Instance.of(config);
    InstanceLock lock =
        InstanceLock.acquire(
            instance.lock(),
            config.host(),
            new InstanceLock.Holder(
                ProcessHandle.current().pid(), Instant.now(), start.configFile()));
    Orders.End how = Orders.End.KEEP;
    boolean lived = false;
    try (LastResort lastResort = LastResort.start()) {
      how = new Daemon(config, start, say, lastResort).live(instance);
      lived = true;
    } catch (LinkageError e) {
      throw cannotLoad(e);
    } finally {
      // After a failed first start there is nothing to remember either.
      if (how == Orders.End.KEEP && (Files.isDirectory(instance.pins()) || (userspace && lived))) {
        lock.close();
      } else {
        lock.remove();
      }
    }
  }

  private Orders.End live(Instance instance) {
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler(this::onUncaught);
    LOG.log(Level.TRACE, "loaded for the end: {0}", NEEDED_LAST);
    // From the first step on: an interrupted start must not leave half a host behind.
    try (StopSignals _ = StopSignals.install(this::onSignal, orders::reload)) {
      Optional<Membership.Settled> settled =
          start.waitForUnderlay()
              ? new UnderlayWait(libc, manager, say).settle(config, orders)
              : Optional.of(Membership.settle(config, libc));
      if (settled.isEmpty()) {
        return orders.end(); // told to stop before there was anything to stop
      }
      return serve(
          instance,
          Membership.join(config, settled.get().withTakeOver(start.takeOver()), libc, say));
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
  }

  private Orders.End serve(Instance instance, Membership joined) {
    LiveOverlay live = new LiveOverlay(joined, libc, orders::left);
    Attachments attachments = new Attachments(instance.socket());
    Plugin plugin = new Plugin(live, new NetlinkKernel(libc), attachments);
    boolean announced = false;
    try (ControlServer _ =
            ControlServer.start(
                instance.socket(), new RequestHandler(live, plugin, Instant.now(), this::onFault));
        Heartbeat _ = Heartbeat.start(manager, live::isAlive);
        ReadyFile ready = new ReadyFile(start.readyFile())) {
      plugin.catchUp();
      if (!orders.isEnding()) {
        String line = live.membership().readyLine();
        say.accept(line);
        ready.write(line);
        announced = true;
        manager.ready(line);
        carryOutOrders(live);
      }
      Orders.End how = end(live);
      if (how != Orders.End.KEEP) {
        attachments.removeAll();
      }
      return how;
    } catch (Throwable e) {
      if (!announced) {
        live.membership().takeBack(e); // as if it had never begun
      }
      throw e;
    } finally {
      live.membership().close();
    }
  }

  private void carryOutOrders(LiveOverlay live) {
    while (orders.await()) {
      manager.reloading(KernelClock.monotonicNs(libc));
      config = new Reload(config, start.configFile(), libc, say).apply(live);
      manager.ready(live.membership().readyLine());
    }
  }

  private Orders.End end(LiveOverlay live) {
    Orders.End how = orders.end();
    manager.stopping(
        how == Orders.End.KEEP ? "stopping; packets keep flowing" : "leaving the network");
    if (how == Orders.End.LEAVE) {
      say.accept("culvert agent " + config.host() + " leaves the network");
      live.membership().overlay().leave();
    }
    return how;
  }

  private void onSignal(StopSignals.Kind kind) {
    boolean leave = kind == StopSignals.Kind.INTERRUPT || config.stop() == AgentConfig.Stop.LEAVE;
    if (leave) {
      lastResort.within(
          LEAVING,
          "culvert: The agent could not leave the network within "
              + LEAVING.toSeconds()
              + " s and ends without; run \"culvert leave\".");
    } else {
      lastResort.within(
          KEEPING, "culvert: The agent was held up and ends at once; packets keep flowing.");
    }
    orders.stop(leave ? Orders.End.LEAVE : Orders.End.KEEP);
  }

  private void onUncaught(Thread thread, Throwable e) {
    LOG.log(Level.ERROR, "The thread " + thread.getName() + " met " + e, e);
    if (!endsFor(e)) {
      die(new IllegalStateException("The thread " + thread.getName() + " ended.", e));
    }
  }

  /** A fault that was survived, and may be a sign of one that cannot be. */
  private void onFault(Throwable e) {
    boolean _ = endsFor(e);
  }

  /** Classes that are gone stay gone, and each that was not needed yet would be the next. */
  private boolean endsFor(Throwable e) {
    if (!(e instanceof LinkageError)) {
      return false;
    }
    die(cannotLoad(e));
    return true;
  }

  private static UserException cannotLoad(Throwable e) {
    return new UserException(
        "A part of this program cannot be loaded any more ("
            + e
            + "): were its files replaced? The agent ends, packets keep flowing, and a new start"
            + " goes on.",
        e);
  }

  private void die(RuntimeException why) {
    lastResort.within(KEEPING, "culvert: " + why.getMessage());
    orders.fail(why);
  }
}
