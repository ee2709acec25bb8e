// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What "culvert doctor --config FILE" finds on a host on which something is broken. */
@Tag("netns")
@RequiresRoot
class DoctorNetnsTest extends AgentFixture {
  private record Found(Object state, String found, String advice) {}

  private Found check(String name) throws Exception {
    String out = culvert("doctor", "--config", config().toString(), "--json").output();
    for (Object one : (List<?>) Json.parseObject(out).get("checks")) {
      Map<?, ?> check = (Map<?, ?>) one;
      if (check.get("name").equals(name)) {
        return new Found(
            check.get("state"),
            String.valueOf(check.get("found")),
            String.valueOf(check.get("advice")));
      }
    }
    throw new AssertionError("no check " + name + " in " + out);
  }

  private void finds(String name, String state, String part) throws Exception {
    Found found = check(name);
    assertEquals(state, found.state(), found.toString());
    assertTrue((found.found() + " " + found.advice()).contains(part), found.toString());
    assertTrue(state.equals("ok") == found.advice().isEmpty(), "its remedy: " + found);
  }

  private Path lease(String subnet, String address, String more) throws Exception {
    Path file = folder.resolve("leases").resolve(subnet.replace('/', '-') + ".lease");
    return Files.writeString(
        file,
        "subnet = %s\nvni = 1\nhost = host-07\naddress = %s\nmac = 02:00:00:00:00:07\n%s"
            .formatted(subnet, address, more));
  }

  @Test
  void findsNothingWhereAllIsWellAndWhatIsBroken() throws Exception {
    finds("leases", "fail", "There is no lease directory at");
    Process agent = startAgent();
    for (String name : List.of("leases", "clocks", "own device", "routes", "other hosts")) {
      assertEquals("ok", check(name).state(), check(name).toString());
    }

    ip("-n", HOST, "route", "add", "10.244.9.0/24", "dev", "eth0");
    finds("routes", "warn", "10.244.9.0/24 dev eth0");

    Path unreachable = lease("10.244.7.0/24", "198.51.100.7", "");
    finds("other hosts", "warn", "no route to 198.51.100.7 of host-07");
    Files.delete(unreachable);
    Path silent = lease("10.244.7.0/24", "10.17.2.77", "");
    finds("other hosts", "warn", "no answer to a ping from 10.17.2.77 of host-07");
    Files.delete(silent);

    Path early =
        lease(
            "10.244.7.0/24",
            "10.17.2.77",
            "renewed = 2099-01-01T00:00:00Z\nexpires = 2099-01-02T00:00:00Z\n");
    finds("clocks", "warn", "the lease of host-07 was renewed");
    Files.delete(early);
    Path late =
        lease(
            "10.244.7.0/24",
            "10.17.2.77",
            "renewed = 2001-01-01T00:00:00Z\nexpires = 2001-01-02T00:00:00Z\n");
    finds("clocks", "warn", "are over by this machine's clock, the last since 2001-01-02");
    Files.delete(late);

    kill(agent, "KILL");
    ip("-n", HOST, "link", "delete", "culvert0");
    finds("own device", "fail", "no culvert0, though programs of this host are pinned");
  }

  @Test
  void looksAtTheConfiguredPort() throws Exception {
    Files.writeString(config(), text(config()) + "port: 14789\n");
    assertEquals("ok", check("UDP port 14789").state());
    Process holder =
        new ProcessBuilder(
                "ip",
                "netns",
                "exec",
                HOST,
                "python3",
                "-c",
                "import socket,time; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                    + " s.bind(('0.0.0.0', 14789)); print('held', flush=True); time.sleep(600)")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertEquals("held", holder.inputReader().readLine());
      finds("UDP port 14789", "fail", "taken by python3");
    } finally {
      holder.destroyForcibly();
    }
  }
}
