// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network namespace of a test's own, made and removed with ip-netns(8). Independent of {@code
 * NetNamespace}, so that tests of that class have something to be held against.
 */
@SuppressWarnings("try") // Closing may be interrupted: then the test fails, as it should.
public final class TestNamespace implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final int CLONE_NEWNET = 0x4000_0000;
  private static final int AT_FDCWD = -100;

  private final String name;

  private TestNamespace(String name) {
    this.name = name;
  }

  /** Makes an empty namespace with its loopback up. */
  public static TestNamespace create() throws IOException, InterruptedException {
    String name = "cv-test-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
    Commands.run("ip", "netns", "add", name);
    TestNamespace namespace = new TestNamespace(name);
    namespace.run("ip", "link", "set", "lo", "up");
    return namespace;
  }

  /** Its name below /run/netns. */
  public String name() {
    return name;
  }

  /** Runs a program inside; see {@link Commands#run}. */
  public String run(String... command) throws IOException, InterruptedException {
    List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", name));
    whole.addAll(List.of(command));
    return Commands.run(whole.toArray(String[]::new));
  }

  /** Runs work inside, on a thread of its own: setns(2) belongs to one thread. */
  public <T> T call(Callable<T> work) throws Exception {
    FutureTask<T> task =
        new FutureTask<>(() -> {
          enter();
          return work.call();
        });
    Thread.ofPlatform().name("in " + name).start(task);
    try {
      return task.get();
    } catch (java.util.concurrent.ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw new AssertionError(e.getCause());
    }
  }

  private void enter() {
    Libc libc = Libc.system();
    try (Arena arena = Arena.ofConfined()) {
      long path = arena.allocateFrom("/run/netns/" + name).address();
      long fd = libc.call(Syscall.OPENAT, AT_FDCWD, path, 0, 0, 0, 0);
      long result = libc.call(Syscall.SETNS, fd, CLONE_NEWNET, 0, 0, 0, 0);
      long _ = libc.call(Syscall.CLOSE, fd, 0, 0, 0, 0, 0);
      if (result < 0) {
        throw new AssertionError("setns to " + name + ": errno " + -result);
      }
    }
  }

  /** The index of an interface inside. */
  public int interfaceIndex(String device) throws IOException, InterruptedException {
    return Integer.parseInt(run("cat", "/sys/class/net/" + device + "/ifindex").strip());
  }

  @Override
  public void close() throws IOException, InterruptedException {
    Commands.run("ip", "netns", "del", name);
  }
}
