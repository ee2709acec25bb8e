// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What container runtimes do, by the real plugin and real agents. */
@Tag("netns")
@RequiresRoot
class CniNetnsTest extends CniFixture {
  @Test
  void containersOfTwoHostsReachEachOtherAndAreGoneAfterwards() throws Exception {
    addNamespace("web");
    addNamespace("db");
    Map<String, Object> web = add(FIRST, "web");
    Map<String, Object> db = add(SECOND, "db");
    assertEquals("10.244.1.2", address(web, 0));
    assertEquals("fd00:244:0:2::2", address(db, 1));
    await("the hosts know each other", () -> reachesNow("web", address(db, 0)));
    assertTrue(reaches("web", address(db, 1)));
    assertTrue(reaches("db", address(web, 0)));

    assertEquals(new Outcome(0, ""), call(FIRST, "CHECK", "web").config("prevResult", web).run());
    assertEquals(
        100, call(FIRST, "ADD", "web").run().code(), "a second one is refused, says the spec");
    assertEquals(new Outcome(0, ""), call(FIRST, "STATUS", "web").run());

    delete(FIRST, "web");
    assertEquals(List.of(), endpoints(FIRST));
    assertEquals(List.of(), notes(FIRST, "attachments"));
    assertFalse(reaches("db", address(web, 0)));
    assertEquals(102, call(FIRST, "CHECK", "web").config("prevResult", web).run().code());
    delete(FIRST, "web");
    deleteNamespace("db");
    delete(SECOND, "db");
    assertEquals(List.of(), endpoints(SECOND));
    assertEquals(3, call(FIRST, "ADD", "nobody").run().code());
    assertEquals(List.of(), notes(FIRST, "attachments"));
  }

  private static boolean reachesNow(String container, String address) {
    try {
      return reaches(container, address);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void withoutAnAgentNothingIsAddedAndWhatIsDeletedIsGoneAfterItsNextStart() throws Exception {
    addNamespace("web");
    addNamespace("other");
    add(FIRST, "web");
    add(FIRST, "other");
    killAgent(FIRST);

    addNamespace("late");
    assertEquals(11, call(FIRST, "ADD", "late").run().code());
    assertEquals(50, call(FIRST, "STATUS", "late").run().code());
    assertEquals(11, call(FIRST, "GC", "late").run().code());
    delete(FIRST, "web");
    delete(FIRST, "web");
    delete(FIRST, "late");
    assertEquals(List.of("pods@web@eth0"), notes(FIRST, "deleted"));
    assertEquals(2, endpoints(FIRST).size());

    startAgent(FIRST);
    assertEquals(List.of(), notes(FIRST, "deleted"));
    assertEquals(List.of("pods@other@eth0"), notes(FIRST, "attachments"));
    assertEquals(1, endpoints(FIRST).size());
    assertEquals("10.244.1.2", address(add(FIRST, "web"), 0));
  }

  @Test
  void collectingTakesWhatTheRuntimeDoesNotKnowInThatNetwork() throws Exception {
    for (String container : List.of("a", "b", "c")) {
      addNamespace(container);
    }
    add(FIRST, "a");
    add(FIRST, "b");
    Outcome elsewhere = call(FIRST, "ADD", "c").config("name", "batch").run();
    assertEquals(0, elsewhere.exitCode(), elsewhere::output);

    assertEquals(7, call(FIRST, "GC", "a").run().code());
    assertEquals(
        new Outcome(0, ""),
        call(FIRST, "GC", "a")
            .config(
                "cni.dev/valid-attachments", List.of(Map.of("containerID", "a", "ifname", "eth0")))
            .run());
    assertEquals(List.of("batch@c@eth0", "pods@a@eth0"), notes(FIRST, "attachments"));
    assertEquals(2, endpoints(FIRST).size());
  }

  @Test
  void manyAtOnceGetAddressesOfTheirOwn() throws Exception {
    List<String> containers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      containers.add("c" + i);
      addNamespace("c" + i);
    }
    Set<String> addresses = new TreeSet<>();
    for (Outcome outcome : all("ADD", containers)) {
      assertEquals(0, outcome.exitCode(), outcome::output);
      addresses.add(address(outcome.json(), 0));
    }
    assertEquals(20, addresses.size());
    assertTrue(reaches("c0", "10.244.1.1"));
    for (Outcome outcome : all("DEL", containers)) {
      assertEquals(new Outcome(0, ""), outcome);
    }
    assertEquals(List.of(), endpoints(FIRST));
    assertEquals(List.of(), notes(FIRST, "attachments"));
  }

  private List<Outcome> all(String command, List<String> containers) throws Exception {
    List<Process> running = new ArrayList<>();
    for (String container : containers) {
      running.add(call(FIRST, command, container).start());
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (Process process : running) {
      outcomes.add(end(process));
    }
    return outcomes;
  }

  @Test
  void whatTheConfigurationAsksForIsDoneOrRefused() throws Exception {
    addNamespace("web");
    assertEquals(
        2, call(FIRST, "ADD", "web").config("ipam", Map.of("type", "host-local")).run().code());
    assertEquals(
        7,
        call(FIRST, "ADD", "web")
            .config("runtimeConfig", Map.of("ips", List.of("10.244.2.7/24")))
            .run()
            .code());
    assertEquals(4, call(FIRST, "ADD", "web").env("CNI_ARGS", "COLOUR=blue").run().code());
    assertEquals(List.of(), notes(FIRST, "attachments"));

    Map<String, Object> before =
        Map.of(
            "interfaces", List.of(Map.of("name", "lo", "sandbox", "/run/netns/x")),
            "ips", List.of(Map.of("version", "4", "address", "127.0.0.1/8", "interface", 0L)),
            "dns", Map.of("nameservers", List.of("10.244.0.53")));
    Outcome outcome =
        call(FIRST, "ADD", "web")
            .config("cniVersion", "0.4.0")
            .config("prevResult", before)
            .config("runtimeConfig", Map.of("ips", List.of("10.244.1.77/24")))
            .env("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=web")
            .run();
    assertEquals(0, outcome.exitCode(), outcome::output);
    Map<String, Object> result = outcome.json();
    assertEquals("0.4.0", result.get("cniVersion"));
    assertEquals(3, ((List<?>) result.get("interfaces")).size());
    assertEquals("127.0.0.1", address(result, 0));
    assertEquals("10.244.1.77", address(result, 1));
    Map<?, ?> ip = (Map<?, ?>) ((List<?>) result.get("ips")).get(1);
    assertEquals("4", ip.get("version"));
    assertEquals(2L, ip.get("interface"));
    assertEquals("10.244.1.1", ip.get("gateway"));
    assertEquals(Map.of("nameservers", List.of("10.244.0.53")), result.get("dns"));
    assertNotEquals(List.of(), result.get("routes"));
    assertTrue(reaches("web", "10.244.1.1"));
  }
}
