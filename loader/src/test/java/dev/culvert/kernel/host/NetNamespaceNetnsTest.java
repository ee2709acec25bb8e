// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.system.Syscall;
import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Namespaces and mounts against ip-netns(8) and the kernel. */
@Tag("netns")
@RequiresRoot
final class NetNamespaceNetnsTest {
  private static final Path OF_THREAD = Path.of("/proc/thread-self/ns/net");
  private static final Libc LIBC = Libc.system();

  private static String identity() {
    try {
      return Files.readSymbolicLink(OF_THREAD).toString();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String uniqueName(String what) {
    return "cv-netlink-" + what + "-" + ProcessHandle.current().pid();
  }

  @Test
  @SuppressWarnings("try") // TestNamespace.close() may be interrupted: then the test fails.
  void workRunsInsideOnAThreadThatEnds() throws Exception {
    try (TestNamespace namespace = TestNamespace.create();
        NetNamespace ours = NetNamespace.named(LIBC, namespace.name())) {
      String before = identity();
      assertEquals(
          namespace.run("readlink", "/proc/self/ns/net").strip(),
          ours.call(NetNamespaceNetnsTest::identity));
      assertEquals(before, identity());
      Thread worker = ours.run(Thread::currentThread);
      assertNotEquals(Thread.currentThread(), worker);
      assertFalse(worker.isAlive());
    }
  }

  @Test
  void theCurrentOneNeedsNoEntering() throws Exception {
    Libc noSetns =
        (call, a, b, c, d, e, f) -> call == Syscall.SETNS ? -1 : LIBC.call(call, a, b, c, d, e, f);
    try (NetNamespace current = NetNamespace.current(noSetns)) {
      assertEquals(identity(), current.run(NetNamespaceNetnsTest::identity));
    }
  }

  @Test
  void failuresComeBackAsTheyAre() throws Exception {
    try (NetNamespace current = NetNamespace.current(LIBC)) {
      assertThrows(
          FileNotFoundException.class,
          () ->
              current.call(() -> {
                throw new FileNotFoundException("x");
              }));
      assertThrows(
          ArithmeticException.class,
          () ->
              current.call(() -> {
                throw new ArithmeticException();
              }));
      assertThrows(
          StackOverflowError.class,
          () ->
              current.call(() -> {
                throw new StackOverflowError();
              }));
    }
  }

  @Test
  void anInterruptReachesTheWork() throws Exception {
    try (NetNamespace current = NetNamespace.current(LIBC)) {
      CountDownLatch never = new CountDownLatch(1);
      Thread.currentThread().interrupt();
      assertThrows(
          InterruptedException.class,
          () ->
              current.call(() -> {
                never.await();
                return 1;
              }));
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void createdAndDeletedAsIpNetnsSeesIt() throws Exception {
    String name = uniqueName("made");
    try (NetNamespace made = NetNamespace.create(LIBC, name)) {
      assertTrue(Commands.run("ip", "netns", "list").contains(name));
      assertEquals(
          Commands.run("ip", "netns", "exec", name, "readlink", "/proc/self/ns/net").strip(),
          made.run(NetNamespaceNetnsTest::identity));
      assertTrue(
          Files.readString(Path.of("/proc/self/mountinfo"))
              .lines()
              .anyMatch(line -> line.contains(" /run/netns ") && line.contains(" shared:")));
      KernelException taken =
          assertThrows(KernelException.class, () -> NetNamespace.create(LIBC, name));
      assertEquals(Errno.EEXIST, taken.errno());
      assertTrue(taken.getMessage().contains("choose another name"), taken.getMessage());
    } finally {
      assertTrue(NetNamespace.delete(LIBC, name));
    }
    assertFalse(Commands.run("ip", "netns", "list").contains(name));
    assertFalse(NetNamespace.delete(LIBC, name));
  }

  @Test
  void aFileLeftWithoutItsMountIsRemoved() throws Exception {
    String name = uniqueName("left");
    Files.createFile(NetNamespace.NAMES.resolve(name));
    assertTrue(NetNamespace.delete(LIBC, name));
    assertFalse(Files.exists(NetNamespace.NAMES.resolve(name)));
  }

  @Test
  void aFailedCreationLeavesNoName() {
    String name = uniqueName("failed");
    Libc noUnshare =
        (call, a, b, c, d, e, f) ->
            call == Syscall.UNSHARE ? -Errno.EPERM.number() : LIBC.call(call, a, b, c, d, e, f);
    KernelException refused =
        assertThrows(KernelException.class, () -> NetNamespace.create(noUnshare, name));
    assertEquals("unshare", refused.call());
    assertFalse(Files.exists(NetNamespace.NAMES.resolve(name)));
  }

  /** Opening the pipe would wait for its writer. */
  @Test
  void whatIsNoNamespaceIsRefusedAndNotOpened(@TempDir Path folder) throws Exception {
    Path pipe = folder.resolve("pipe");
    String _ = Commands.run("mkfifo", pipe.toString());
    for (Path path : List.of(Path.of("/etc/hostname"), pipe, folder, Path.of("/dev/zero"))) {
      RefusedException refused =
          assertTimeoutPreemptively(
              Duration.ofSeconds(10),
              () -> assertThrows(RefusedException.class, () -> NetNamespace.open(LIBC, path)));
      assertTrue(
          refused.getMessage().startsWith(path + " is no network namespace"), path::toString);
    }
    KernelException other =
        assertThrows(
            KernelException.class,
            () -> {
              try (NetNamespace user = NetNamespace.open(LIBC, Path.of("/proc/self/ns/user"))) {
                user.run(NetNamespaceNetnsTest::identity);
              }
            });
    assertEquals("this file is not a network namespace", other.hint());
  }

  @Test
  @SuppressWarnings("try") // TestNamespace.close() may be interrupted: then the test fails.
  void oneNamespaceIsKnownByEachOfItsNames() throws Exception {
    try (TestNamespace namespace = TestNamespace.create();
        NetNamespace named = NetNamespace.named(LIBC, namespace.name());
        NetNamespace again = NetNamespace.open(LIBC, named.path());
        NetNamespace current = NetNamespace.current(LIBC);
        NetNamespace own = NetNamespace.open(LIBC, Path.of("/proc/self/ns/net"))) {
      assertTrue(named.isSameAs(again));
      assertTrue(current.isSameAs(own));
      assertFalse(named.isSameAs(current));
      assertTrue(
          named.run(() -> {
            try (NetNamespace inside = NetNamespace.current(LIBC)) {
              return inside.isSameAs(named);
            }
          }));
    }
  }

  @Test
  void bpffsIsMountedAndToldAndGoesWhenNothingIsPinnedThere(@TempDir Path folder) throws Exception {
    BpfFileSystem files = new BpfFileSystem(LIBC);
    Path target = folder.resolve("bpf");
    assertFalse(files.contains(target));
    assertFalse(files.contains(folder));
    files.unmountIfEmpty(target);
    files.mount(target);
    try (BpfMap map =
        BpfMap.create(LIBC, new MapSpec("pinned", 1, new MapSpec.Sizes(4, 4, 1), 0))) {
      files.mount(target);
      assertTrue(files.contains(target));
      map.pin(target.resolve("pinned"));
      files.unmountIfEmpty(target);
      assertTrue(Files.exists(target.resolve("pinned")));
      Files.delete(target.resolve("pinned"));
    } finally {
      files.unmountIfEmpty(target);
    }
    assertFalse(files.contains(target));
  }
}
