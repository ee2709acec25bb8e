// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.UserException;
import dev.culvert.agent.output.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plugin and network where a runtime looks for them. */
class InstallationTest {
  private static final Path SOCKET = Path.of("/run/culvert/host-01.sock");

  @TempDir private Path folder;

  private Installation installation() {
    return Installation.in(folder.resolve("bin"), folder.resolve("net.d"));
  }

  @Test
  void bothAreWrittenAndTakenAway() throws Exception {
    installation().install("pods", SOCKET);
    assertTrue(Files.isExecutable(installation().program()));
    Map<String, Object> list = Json.parseObject(Files.readString(installation().list()));
    assertEquals("pods", list.get("name"));
    assertEquals("1.0.0", list.get("cniVersion"));
    assertEquals(
        Map.of(
            "type",
            "culvert-cni",
            "socket",
            SOCKET.toString(),
            "capabilities",
            Map.of("ips", true)),
        ((List<?>) list.get("plugins")).getFirst());

    installation().install("batch", SOCKET);
    assertEquals(
        List.of(installation().list(), installation().program()), installation().uninstall());
    assertEquals(List.of(), installation().uninstall());
    try (var left = Files.walk(folder)) {
      assertEquals(0, left.filter(Files::isRegularFile).count());
    }
  }

  @Test
  void anotherProgramOfThatNameStays() throws Exception {
    Files.createDirectories(folder.resolve("bin"));
    Files.writeString(installation().program(), "#!/bin/sh\n");
    assertThrows(UserException.class, () -> installation().install("pods", SOCKET));
    assertFalse(Files.exists(installation().list()));
    assertEquals(List.of(), installation().uninstall());
    assertEquals("#!/bin/sh\n", Files.readString(installation().program()));
  }

  @Test
  void aNetworkThatSomebodyChangedStays() throws Exception {
    installation().install("pods", SOCKET);
    String changed =
        Files.readString(installation().list())
            .replace("\"plugins\": [", "\"plugins\": [{\"type\": \"portmap\"},");
    Files.writeString(installation().list(), changed);
    assertThrows(UserException.class, () -> installation().install("pods", SOCKET));
    assertThrows(UserException.class, () -> installation().uninstall());
    assertEquals(changed, Files.readString(installation().list()));
    assertTrue(Files.exists(installation().program()));
  }
}
