// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.agent.UserException;
import dev.culvert.control.HostName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceLockTest {
  private static final InstanceLock.Holder HOLDER =
      new InstanceLock.Holder(
          4711, Instant.parse("2030-01-01T00:00:00Z"), Path.of("/etc/my culvert.yaml"));

  @TempDir private Path folder;

  @Test
  void aSecondAgentLearnsWhoIsFirst() {
    Path file = folder.resolve("run/host-01.lock");
    InstanceLock lock = InstanceLock.acquire(file, new HostName("host-01"), HOLDER);
    UserException e =
        assertThrows(
            UserException.class, () -> InstanceLock.acquire(file, new HostName("host-01"), HOLDER));
    assertEquals(
        "An agent for host host-01 already runs, pid 4711; stop it first, or give this one another host name.",
        e.getMessage());
    lock.close();
    InstanceLock.acquire(file, new HostName("host-01"), HOLDER).close();
  }

  @Test
  void remembersWhoWasLast() throws Exception {
    Path file = folder.resolve("run/host-01.lock");
    InstanceLock.acquire(file, new HostName("host-01"), HOLDER).close();

    assertEquals(Optional.of(HOLDER), InstanceLock.last(file));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())));
  }

  @Test
  void leavesNoTraceWhenRemoved() {
    Path file = folder.resolve("host-01.lock");
    InstanceLock.acquire(file, new HostName("host-01"), HOLDER).remove();

    assertFalse(Files.exists(file));
    assertEquals(Optional.empty(), InstanceLock.last(file));
  }

  @Test
  void doesNotTripOverAHalfWrittenFile() throws Exception {
    Path file = Files.writeString(folder.resolve("host-01.lock"), "47");

    assertEquals(Optional.empty(), InstanceLock.last(file));
  }
}
