// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Refusals of namespace and mount calls, without root. */
final class NetNamespaceTest {
  private final Map<Syscall, Errno> failing = new EnumMap<>(Syscall.class);
  private final Libc kernel =
      (call, a, b, c, d, e, f) -> {
        if (call == Syscall.STATFS) {
          // f_type, as on the file system of namespaces (NSFS_MAGIC of linux/magic.h)
          MemorySegment.ofAddress(b).reinterpret(Long.BYTES).set(JAVA_LONG, 0, 0x6e736673);
        }
        return failing.containsKey(call) ? -failing.get(call).number() : 1000;
      };

  private static String message(Runnable call) {
    return assertThrows(KernelException.class, call::run).getMessage();
  }

  @Test
  void openingSaysWhatToTry() {
    failing.put(Syscall.OPENAT, Errno.ENOENT);
    assertEquals(
        "openat on namespace /run/netns/blue: ENOENT (no such object);"
            + " list the namespaces with \"ip netns\"; a process's is /proc/PID/ns/net",
        message(() -> NetNamespace.named(kernel, "blue")));
    failing.put(Syscall.OPENAT, Errno.EACCES);
    assertEquals(
        "openat on namespace /proc/1/ns/net: EACCES (permission denied); run as root",
        message(() -> NetNamespace.open(kernel, Path.of("/proc/1/ns/net"))));
  }

  @Test
  void enteringSaysWhatToTry() {
    try (NetNamespace namespace = NetNamespace.named(kernel, "blue")) {
      failing.put(Syscall.SETNS, Errno.EPERM);
      assertEquals(
          "setns on namespace /run/netns/blue: EPERM (operation not permitted);"
              + " run as root, or with CAP_SYS_ADMIN",
          message(() -> namespace.run(() -> 1)));
      failing.put(Syscall.SETNS, Errno.EINVAL);
      assertEquals(
          "setns on namespace /run/netns/blue: EINVAL (invalid argument);"
              + " this file is not a network namespace",
          message(() -> namespace.run(() -> 1)));
    }
  }

  @Test
  void aNameIsAFileName() {
    for (String name : List.of("", ".", "..", "a/b", "x".repeat(256))) {
      assertThrows(RefusedException.class, () -> NetNamespace.named(kernel, name), name);
      assertThrows(RefusedException.class, () -> NetNamespace.delete(kernel, name), name);
    }
  }

  @Test
  void mountingBpffsWithoutPrivilege() {
    failing.put(Syscall.MOUNT, Errno.EPERM);
    BpfFileSystem files = new BpfFileSystem(kernel);
    assertEquals(
        "mount on /tmp: EPERM (operation not permitted);"
            + " run as root, or mount it beforehand: mount -t bpf bpf /tmp",
        message(() -> files.mount(Path.of("/tmp"))));
  }
}
