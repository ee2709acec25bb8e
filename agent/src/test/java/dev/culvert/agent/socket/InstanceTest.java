// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.culvert.control.HostName;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class InstanceTest {
  private static final Path BPFFS = Path.of("/sys/fs/bpf");

  private static Instance instance(String host) {
    return Instance.of(BPFFS, Path.of("/run/culvert"), new HostName(host));
  }

  @ParameterizedTest
  @ValueSource(strings = {"host-01", "a.example.org", "a_b", "a_b.c", "a.b_c"})
  void thePinsTellTheHost(String host) {
    String name = instance(host).pins().getFileName().toString();
    assertFalse(name.contains("."), "the bpf file system takes no dot: " + name);
    assertEquals(Optional.of(new HostName(host)), Instance.hostOf(name));
  }

  @Test
  void dotAndUnderscoreAreTwoHosts() {
    assertNotEquals(instance("a.b").pins(), instance("a_b").pins());
    // As agents of before named it: they left pins that the next one takes over.
    assertEquals(BPFFS.resolve("culvert/a_b"), instance("a.b").pins());
  }

  @Test
  void aFolderThatIsNoHostsIsNone() {
    assertEquals(Optional.empty(), Instance.hostOf("-x"));
  }
}
