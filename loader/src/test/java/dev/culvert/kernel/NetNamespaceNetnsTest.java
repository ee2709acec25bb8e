// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

  @Test
  void aPlainFileIsNoNamespace() {
    try (NetNamespace file = NetNamespace.open(LIBC, Path.of("/etc/hostname"))) {
      KernelException refused =
          assertThrows(KernelException.class, () -> file.run(NetNamespaceNetnsTest::identity));
      assertEquals("this file is not a network namespace", refused.hint());
    }
  }

  @Test
  void bpffsIsMountedAndTold(@TempDir Path folder) {
    BpfFileSystem files = new BpfFileSystem(LIBC);
    Path target = folder.resolve("bpf");
    assertFalse(files.contains(target));
    assertFalse(files.contains(folder));
    files.mount(target);
    try {
      files.mount(target);
      assertTrue(files.contains(target));
    } finally {
      files.unmount(target);
    }
    assertFalse(files.contains(target));
    KernelException refused = assertThrows(KernelException.class, () -> files.unmount(target));
    assertTrue(refused.getMessage().contains("is it a mount point"), refused.getMessage());
  }
}
