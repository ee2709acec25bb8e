// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.agent.socket.ControlServer;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.agent.socket.RequestHandler;
import dev.culvert.control.Lease;
import dev.culvert.control.OverlayStatus;
import dev.culvert.kernel.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The agent's life, from its lock to its last word. */
public final class Daemon {
  /** How it ends. */
  enum End {
    /** Packets keep flowing, the lease stays. */
    KEEP,
    /** Release the lease and remove everything. */
    LEAVE,
    /** That was done already, by request. */
    LEFT
  }

  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final AgentConfig config;
  private final Optional<Path> readyFile;
  private final Consumer<String> say;
  private final CompletableFuture<End> end = new CompletableFuture<>();

  private Daemon(AgentConfig config, Optional<Path> readyFile, Consumer<String> say) {
    this.config = config;
    this.readyFile = readyFile;
    this.say = say;
  }

  /**
   * Runs until it is told to stop, by a signal or by request.
   *
   * @param configFile remembered, so that "leave" finds it when the agent is dead
   * @param say takes the lines for people; the last of them when starting begins with "culvert
   *     agent" and says "ready"
   */
  public static void run(
      AgentConfig config, Path configFile, Optional<Path> readyFile, Consumer<String> say) {
    boolean userspace = config.datapath() == AgentConfig.Kind.USERSPACE;
    Privileges.require("The agent", config.datapath());
    Instance instance = Instance.of(config);
    InstanceLock lock =
        InstanceLock.acquire(
            instance.lock(),
            config.host(),
            new InstanceLock.Holder(ProcessHandle.current().pid(), Instant.now(), configFile));
    End how = End.KEEP;
    boolean lived = false;
    try {
      how = new Daemon(config, readyFile, say).live(instance);
      lived = true;
    } finally {
      // After a failed first start there is nothing to remember either.
      if (how == End.KEEP && (Files.isDirectory(instance.pins()) || (userspace && lived))) {
        lock.close();
      } else {
        lock.remove();
      }
    }
  }

  private End live(Instance instance) {
    // From the first step on: an interrupted start must not leave half a host behind.
    try (StopSignals _ = StopSignals.install(this::onSignal)) {
      try (Membership membership = Membership.join(config, Libc.system(), say)) {
        End how = serve(instance, membership);
        if (how == End.LEAVE) {
          say.accept("culvert agent " + config.host() + " leaves the network");
          membership.overlay().leave();
        }
        return how;
      }
    }
  }

  private End serve(Instance instance, Membership membership) {
    LiveOverlay operations =
        new LiveOverlay(membership, Libc.system(), () -> end.complete(End.LEFT));
    try (ControlServer _ =
        ControlServer.start(instance.socket(), new RequestHandler(operations, Instant.now()))) {
      if (!end.isDone()) {
        announce(readyLine(membership.overlay().status()));
      }
      return end.join();
    } finally {
      readyFile.ifPresent(Daemon::delete);
    }
  }

  private void onSignal(StopSignals.Kind kind) {
    LOG.log(System.Logger.Level.DEBUG, "told to stop: {0}", kind);
    boolean leave = kind == StopSignals.Kind.INTERRUPT || config.stop() == AgentConfig.Stop.LEAVE;
    end.complete(leave ? End.LEAVE : End.KEEP);
  }

  private String readyLine(OverlayStatus status) {
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

  private void announce(String line) {
    say.accept(line);
    readyFile.ifPresent(file -> {
      try {
        // Who waits for the file finds all of it, or none.
        Path unnamed = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(unnamed, line + "\n");
        Files.move(unnamed, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        throw new UserException(
            "Cannot write the ready file " + file + ": " + e.getMessage() + ".", e);
      }
    });
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Cannot remove the ready file {0}: {1}", file, e);
    }
  }
}
