// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A host with another interface before the one that matters, as Vagrant's machines have it. */
@Tag("netns")
@RequiresRoot
class ChosenUnderlayNetnsTest extends AgentFixture {
  @BeforeEach
  void makeTheOtherInterface() throws Exception {
    ip("-n", HOST, "link", "set", "eth0", "down");
    ip("-n", HOST, "link", "set", "eth0", "name", "ens4");
    ip("-n", HOST, "link", "add", "eth0", "type", "veth", "peer", "name", "far");
    ip("-n", HOST, "address", "add", "10.0.2.15/24", "dev", "eth0");
    ip("-n", HOST, "link", "set", "far", "up");
    ip("-n", HOST, "link", "set", "eth0", "up");
    ip("-n", HOST, "link", "set", "ens4", "up");
    ip("-n", HOST, "route", "add", "default", "via", "10.0.2.2");
    ip("-n", HOST, "route", "add", "10.18.0.0/16", "via", "10.17.2.1");
  }

  private void underlay(String words) throws Exception {
    Files.writeString(
        config(), text(config()).replaceAll("underlay: .*\n", "underlay: {" + words + "}\n"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"matching: ens.*", "network: 10.17.0.0/16", "toward: 10.18.2.2"})
  void theInterfaceIsChosenAndKeptTo(String words) throws Exception {
    underlay(words);
    Process agent = startAgent(); // its line says VTEP 10.17.2.2
    assertEquals("ens4", json("status").get("underlay"));
    String doctor = culvert("doctor", "--config", config().toString()).output();
    assertTrue(doctor.contains("ens4, 10.17.2.2"), doctor);

    ip("-n", HOST, "address", "add", "10.17.2.9/24", "dev", "ens4");
    ip("-n", HOST, "address", "del", "10.17.2.2/24", "dev", "ens4");
    ip("-n", HOST, "address", "replace", "10.17.2.9/24", "dev", "ens4");
    await("it has moved", agent, () -> log(agent).contains("10.17.2.9"));

    kill(agent, "KILL");
    ip("-n", HOST, "link", "delete", "ens4");
    ok(culvert("leave", "--config", config().toString()));
    assertEquals(0, leaseFiles());
  }

  @Test
  void whatIsNotThereIsSaid() throws Exception {
    underlay("network: 10.19.0.0/16");
    Outcome refused = culvert("agent", "--config", config().toString());
    assertEquals(1, refused.exitCode());
    assertEquals(
        "culvert: No interface has an address within 10.19.0.0/16; this network namespace has"
            + " 10.17.2.2, 10.0.2.15: correct underlay.network.\n",
        refused.output());
    String doctor = culvert("doctor", "--config", config().toString()).output();
    assertTrue(doctor.contains("No interface has an address within 10.19.0.0/16"), doctor);
  }
}
