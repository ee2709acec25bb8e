// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class MountNamespaceTest {
  // As a machine showed it, without and with "ip netns exec blue".
  private static final String PLAIN =
      """
      23 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
      32 23 0:28 / /sys/fs/bpf rw,nosuid,nodev,noexec,relatime shared:11 - bpf bpf rw,mode=700
      """;

  @Test
  void knowsIpNetnsExecByTheSourceOfItsSys() {
    assertEquals(
        Optional.of("blue"),
        MountNamespace.networkNamespace("75 72 0:40 / /sys rw,relatime - sysfs blue rw\n"));
    assertEquals(
        Optional.of("blue"),
        MountNamespace.networkNamespace(PLAIN + "75 72 0:40 / /sys rw,relatime - sysfs blue rw\n"));
  }

  @Test
  void anOrdinarySysHidesNothing() {
    assertEquals(Optional.empty(), MountNamespace.networkNamespace(PLAIN));
    assertEquals(Optional.empty(), MountNamespace.networkNamespace("no mounts\n\n"));
  }
}
