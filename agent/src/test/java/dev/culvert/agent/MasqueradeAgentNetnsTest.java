// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The key {@code masquerade} through an agent's life, beside a firewall of somebody else's. */
@Tag("netns")
@RequiresRoot
class MasqueradeAgentNetnsTest extends AgentFixture {
  private static final String FIREWALL =
      "table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop;"
          + " iifname culvert0 accept; oifname culvert0 accept; }; }";
  private static final String OURS = "table inet culvert0";

  private String before = "";

  @Test
  void theTableComesChangesStaysAndGoes() throws Exception {
    nft(FIREWALL);
    before = rules();
    Process agent = startAgent();
    assertEquals(before, rules());
    assertEquals(List.of(), json("status").get("problems"));

    reload(agent, "masquerade: true");
    await("the table is there", agent, () -> rules().contains("as the host"));
    assertTrue(rules().startsWith(before), rules());
    assertTold(true, json("status").get("problems").toString());
    assertTold(true, culvert("doctor", "--config", config().toString()).output());

    nft("insert rule ip filter FORWARD ip saddr 10.244.0.0/16 accept");
    before = rules().substring(0, rules().indexOf(OURS));
    reload(agent, "masquerade: {except: [192.168.0.0/16]}");
    await("the exception is there", agent, () -> rules().contains("ip daddr 192.168.0.0/16"));
    String doctor = culvert("doctor", "--config", config().toString()).output();
    assertTold(false, doctor);
    assertTrue(doctor.contains("this kernel takes its rules"), doctor);

    reload(agent, "masquerade: false");
    await("the table is gone", agent, () -> !rules().contains(OURS));
    assertEquals(before, rules());

    reload(agent, "masquerade: true");
    await("the table is back", agent, () -> rules().contains("as the host"));
    String made = rules();
    kill(agent, "KILL");
    assertEquals(made, rules());
    ok(culvert("leave", "--config", config().toString()));
    assertEquals(before, rules());
    assertEverythingIsGone();
  }

  private static void assertTold(boolean expected, String text) {
    assertEquals(expected, text.contains("what containers send to the outside is lost"), text);
  }

  private void reload(Process agent, String line) throws Exception {
    String text = text(config()).replaceAll("masquerade.*\n", "");
    Files.writeString(config(), text + line + "\n");
    assertFalse(text.contains("masquerade"), text);
    signal(agent, "HUP");
  }

  private static void nft(String words) throws Exception {
    ok(run(List.of("ip", "netns", "exec", HOST, "nft", words)));
  }

  private static String rules() {
    try {
      return run(List.of("ip", "netns", "exec", HOST, "nft", "-s", "list", "ruleset")).output();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
