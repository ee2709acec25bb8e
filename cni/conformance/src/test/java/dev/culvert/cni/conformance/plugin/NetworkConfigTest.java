// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NetworkConfigTest {
  @TempDir private Path folder;

  @Test
  void theRequestIsDerivedAsRuntimesDo() throws IOException {
    NetworkConfig config =
        read(
            """
            {"cniVersion": "0.3.1", "name": "dbnet", "type": "bridge", "keyA": ["more"],
             "capabilities": {"ips": true, "mac": false}}
            """);
    assertEquals(
        Map.of(
            "cniVersion",
            "1.1.0",
            "name",
            "dbnet",
            "type",
            "bridge",
            "keyA",
            java.util.List.of("more")),
        config.request(CniVersion.V1_1_0));
    assertEquals(Set.of("ips"), config.capabilities());
    assertFalse(config.delegates());
  }

  @Test
  void ofAListThePluginsOwnEntryIsTaken() throws IOException {
    NetworkConfig config =
        read(
            """
            {"cniVersion": "1.0.0", "cniVersions": ["1.0.0"], "name": "dbnet", "plugins": [
              {"type": "tuning"}, {"type": "bridge", "ipam": {"type": "host-local"}}]}
            """);
    assertEquals("dbnet", config.name());
    assertTrue(config.delegates());
    assertEquals("bridge", config.request(CniVersion.V0_4_0).get("type"));
    assertEquals("other", config.named("other").request(CniVersion.V0_4_0).get("name"));
  }

  @Test
  void saysWhatIsWrongWithAFile() throws IOException {
    assertSays("it has no name", "{\"type\": \"bridge\"}");
    assertSays("its list has no plugin of the type bridge", "{\"name\": \"a\", \"plugins\": []}");
    assertSays("no JSON", "{");
    Path missing = folder.resolve("missing.conf");
    String words =
        assertThrows(IOException.class, () -> NetworkConfig.read(missing, "bridge")).getMessage();
    assertTrue(words.startsWith("There is no file " + missing), words);
  }

  private void assertSays(String expected, String text) {
    String words = assertThrows(IOException.class, () -> read(text)).getMessage();
    assertTrue(words.contains(expected), words);
  }

  private NetworkConfig read(String text) throws IOException {
    return NetworkConfig.read(Files.writeString(folder.resolve("a.conf"), text), "bridge");
  }
}
