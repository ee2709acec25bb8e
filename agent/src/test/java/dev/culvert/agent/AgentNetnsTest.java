// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How an agent lives, dies and is followed by the next, seen from its commands. */
@Tag("netns")
@RequiresRoot
class AgentNetnsTest extends AgentFixture {
  private static final String SUBNET6 = "fd00:244:0:7::/64";

  @Test
  void theKernelOutlivesTheAgentAndTheNextAgentTakesOver() throws Exception {
    Process first = startAgent();
    assertEquals(
        "attached " + CONTAINER + " eth0: 10.244.1.2\n",
        culvert("attach", CONTAINER, "--host", HOST).output());
    List<?> endpoints = list("endpoints");

    kill(first, "KILL");

    Map<String, Object> status = json("status");
    assertEquals(false, ((Map<?, ?>) status.get("agent")).get("running"));
    assertEquals(null, status.get("lease"));
    assertEquals(endpoints, status.get("endpoints"));
    assertTrue(
        culvert("status", "--host", HOST)
            .output()
            .contains("agent      not running (last: pid " + first.pid()));
    assertEquals(1, culvert("attach", CONTAINER, "--host", HOST).exitCode());

    Process second = startAgent();
    status = json("status");
    assertEquals(second.pid(), ((Map<?, ?>) status.get("agent")).get("pid"));
    assertEquals("10.244.1.0/24", ((Map<?, ?>) status.get("lease")).get("subnet"));
    assertEquals(endpoints, status.get("endpoints"));
    assertEquals("detached 10.244.1.2\n", culvert("detach", CONTAINER, "--host", HOST).output());
    assertEquals(List.of(), list("endpoints"));
  }

  @Test
  void bothIpFamiliesAreSeenEverywhere() throws Exception {
    Files.writeString(
        config(),
        Files.readString(config()) + "network6: fd00:244::/48\nsubnet6: " + SUBNET6 + "\n");
    Process agent = startAgent();
    assertEquals(
        "attached " + CONTAINER + " eth0: 10.244.1.2, fd00:244:0:7::2\n",
        culvert("attach", CONTAINER, "--host", HOST).output());
    assertEquals(2, leaseFiles());
    Map<String, Object> status = json("status");
    assertEquals(List.of("10.244.0.0/16", "fd00:244::/48"), status.get("networks"), "networks");
    assertEquals(2, ((List<?>) status.get("leases")).size());
    assertEquals(2, list("subnets").size());
    String text = culvert("status", "--host", HOST).output();
    assertTrue(text.contains("lease      fd00:244:0:7::/64, generation "), text);
    assertEquals(
        List.of("10.244.1.2", "fd00:244:0:7::2"),
        ((Map<?, ?>) list("endpoints").getFirst()).get("addresses"));
    String table = culvert("endpoints", "--host", HOST).output();
    assertTrue(table.contains("10.244.1.2, fd00:244:0:7::2"), table);
    ip("netns", "exec", CONTAINER, "ping", "-c1", "-W2", "fd00:244:0:7::1");

    assertEquals(
        "detached 10.244.1.2\ndetached fd00:244:0:7::2\n",
        culvert("detach", "fd00:244:0:7::2", "--host", HOST).output());
    assertEquals(List.of(), list("endpoints"));
    kill(agent, "INT");
    assertEverythingIsGone();
  }

  /** As CNI's ptp plugin makes it: routes on both sides, and no address on the host's end. */
  private static void makeGuest(String address) throws Exception {
    ip("netns", "add", GUEST);
    ip(("-n " + HOST + " link add ptp0 type veth peer name eth0 netns " + GUEST).split(" ", -1));
    ip("-n", HOST, "link", "set", "ptp0", "up");
    ip("-n", HOST, "route", "add", address + "/32", "dev", "ptp0");
    ip("-n", GUEST, "address", "add", address + "/32", "dev", "eth0");
    ip("-n", GUEST, "link", "set", "eth0", "mtu", "1450", "up");
    ip("-n", GUEST, "route", "add", "10.244.1.1", "dev", "eth0");
    ip("-n", GUEST, "route", "add", "default", "via", "10.244.1.1", "dev", "eth0");
  }

  /** Links, addresses, routes and neighbours that were set, of guest and host. */
  private static String picture() throws Exception {
    StringBuilder picture = new StringBuilder();
    for (String namespace : List.of(GUEST, HOST)) {
      for (String what :
          List.of("link", "-4 address", "-4 route", "neighbour show nud permanent")) {
        Outcome shown = run(List.of(("ip -n " + namespace + " -o " + what).split(" ", -1)));
        ok(shown);
        picture.append(shown.output());
      }
    }
    return picture.toString();
  }

  private static boolean guestReaches(String address) throws Exception {
    String ping = "ip netns exec " + GUEST + " ping -c1 -W2 " + address;
    return run(List.of(ping.split(" ", -1))).exitCode() == 0;
  }

  @Test
  void aPairOfSomebodyElsesIsLetInAndLeftAsItWas() throws Exception {
    // The kernel does not carry it, so what arrives was carried by the programs.
    ip("netns", "exec", HOST, "sysctl", "-qw", "net.ipv4.ip_forward=0");
    makeGuest("10.244.1.10");
    String alone = picture();
    Process agent = startAgent();
    ok(culvert("attach", CONTAINER, "--host", HOST));
    String before = picture();
    assertFalse(guestReaches("10.244.1.2"));

    assertEquals(
        "attached " + GUEST + " eth0: 10.244.1.10\n",
        culvert("attach", GUEST, "--existing", "--host", HOST).output());
    assertTrue(guestReaches("10.244.1.2"));
    assertEquals(before, picture());
    assertEquals(2, list("endpoints").size());

    assertEquals("detached 10.244.1.10\n", culvert("detach", GUEST, "--host", HOST).output());
    assertFalse(guestReaches("10.244.1.2"));
    assertEquals(before, picture());

    // An agent that leaves takes its own things along, and nothing else.
    ok(culvert("attach", GUEST, "--existing", "--host", HOST));
    assertTrue(guestReaches("10.244.1.2"));
    kill(agent, "INT");
    assertEquals(alone, picture());
    assertFalse(Files.exists(PINS));
  }

  @Test
  void aSecondAgentOfOneHostIsRefused() throws Exception {
    Process first = startAgent();

    assertEquals(
        new Outcome(
            1,
            "culvert: An agent for host %s already runs, pid %d; stop it first, or give this one another host name.\n"
                .formatted(HOST, first.pid())),
        culvert("agent", "--config", config().toString()));
  }

  @Test
  void sigintLeavesNothingBehind() throws Exception {
    Process agent = startAgent();
    kill(agent, "INT");

    assertEquals(0, agent.exitValue());
    assertEverythingIsGone();
  }

  @Test
  void sigtermKeepsAndLeaveWithoutAnAgentCleansUp() throws Exception {
    Process agent = startAgent();
    kill(agent, "TERM");

    assertEquals(0, agent.exitValue());
    assertTrue(Files.isDirectory(PINS));
    assertEquals(1, leaseFiles());

    Outcome outcome =
        culvert("leave", "--host", HOST, "--run-directory", folder.resolve("run").toString());
    assertEquals(0, outcome.exitCode(), outcome.output());
    assertTrue(
        outcome.output().contains("released the lease of 10.244.1.0/24 (VNI 1)\n"),
        outcome.output());
    assertEverythingIsGone();
  }
}
