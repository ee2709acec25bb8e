// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.agent.socket.Instance;
import dev.culvert.agent.socket.InstanceLock;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** One page about one host. */
@Command(
    name = "status",
    description =
        "Show one host's part in the overlay: what the kernel holds, and what the agent adds when"
            + " it runs.")
public final class StatusCommand implements Runnable {
  // The agent answers within half a second, whatever holds it up; one that is stopped never does.
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  @Mixin private ReadOptions options;

  @Override
  public void run() {
    Instance instance = options.instance();
    // While we wait, the kernel's tables are read.
    FutureTask<ControlClient.Reply> asking =
        new FutureTask<>(
            () -> new ControlClient(instance.socket()).ask(Map.of("request", "status"), PATIENCE));
    Thread.ofPlatform().daemon().name("status").start(asking);
    Optional<DatapathSnapshot> tables = Optional.empty();
    Optional<RuntimeException> unreadable = Optional.empty();
    try {
      tables = Optional.of(options.inspect(instance, PATIENCE));
    } catch (RefusedException | KernelException e) {
      unreadable = Optional.of(e);
    }
    ControlClient.Reply reply = await(asking);
    if (unreadable.isPresent() && isNothing(instance, reply)) {
      throw unreadable.get();
    }
    StatusReport report =
        new StatusReport(
            instance,
            reply,
            InstanceLock.last(instance.lock()),
            tables,
            unreadable.map(Throwable::getMessage));
    options.out().print(options.json() ? Json.pretty(report.view()) + "\n" : report.text());
    options.out().flush();
  }

  /** Neither an agent nor anything that one has left. */
  private static boolean isNothing(Instance instance, ControlClient.Reply reply) {
    return reply.equals(new ControlClient.Reply.None(ControlClient.Silence.NOT_RUNNING))
        && !Files.isDirectory(instance.pins());
  }

  private static ControlClient.Reply await(FutureTask<ControlClient.Reply> asking) {
    try {
      return asking.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException refused) {
        throw refused;
      }
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new ControlClient.Reply.None(ControlClient.Silence.NOT_ANSWERING);
    }
  }
}
