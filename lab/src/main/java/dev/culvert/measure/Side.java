// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.system.Syscall;
import dev.culvert.lab.Command;
import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.Namespaces;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** One end of the traffic: work in a container's namespace, on a processor of its own. */
enum Side {
  CLIENT(0),
  SERVER(1);

  private static final Executor THREADS =
      task -> Thread.ofPlatform().daemon().name("measure").start(task);

  private static final int POLL_MS = 50;

  private final int processor;

  Side(int processor) {
    this.processor = processor;
  }

  /** Whether both ends have a processor for themselves. */
  private static boolean apart() {
    return Runtime.getRuntime().availableProcessors() > 1;
  }

  /** The command on this side's processor. */
  Command pinned(Command command) {
    return command.on(processor);
  }

  /**
   * Runs work in the container's namespace, on this side's processor.
   *
   * @throws LabException when the work fails
   */
  <T> T run(LabPlan.Container container, Callable<T> work) {
    try (NetNamespace namespace =
        NetNamespace.open(Libc.system(), Namespaces.path(container.namespace()))) {
      return namespace.call(() -> {
        pin();
        return work.call();
      });
    } catch (LabException e) {
      throw e;
    } catch (Exception e) {
      throw new LabException("Traffic of " + container.name() + " failed: " + e.getMessage(), e);
    }
  }

  /** The same beside the calling thread; {@link #join} has its result. */
  <T> CompletableFuture<T> start(LabPlan.Container container, Callable<T> work) {
    return CompletableFuture.supplyAsync(() -> run(container, work), THREADS);
  }

  /** Waits for the other side to be ready; false when it has failed, which joining it tells. */
  static boolean await(CountDownLatch ready, CompletableFuture<?> other)
      throws InterruptedException {
    while (!ready.await(POLL_MS, TimeUnit.MILLISECONDS)) {
      if (other.isDone()) {
        return false;
      }
    }
    return true;
  }

  static <T> T join(CompletableFuture<T> work) {
    try {
      return work.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof LabException known
          ? known
          : new LabException("Traffic failed: " + e.getCause(), e);
    }
  }

  /** On one processor there is nothing to choose. The thread ends with its work. */
  private void pin() {
    if (!apart()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(128, 8);
      mask.set(JAVA_LONG, 0, 1L << processor);
      long result =
          Libc.system()
              .call(Syscall.SCHED_SETAFFINITY, 0, mask.byteSize(), mask.address(), 0, 0, 0);
      if (result < 0) {
        throw new LabException(
            "Cannot pin a thread to processor %d (errno %d): measuring needs processors 0 and 1."
                .formatted(processor, -result));
      }
    }
  }
}
