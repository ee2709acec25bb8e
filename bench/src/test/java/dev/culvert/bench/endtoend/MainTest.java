// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... words) {
    return Main.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(words);
  }

  @Test
  void contestantsAreListed() {
    assertEquals(0, run("--list"));
    assertTrue(
        out.toString().contains("kernel-vxlan       the kernel's VXLAN device"), out::toString);
  }

  @Test
  void anUnknownContestantIsNamedBesideThoseThereAre() {
    assertEquals(2, run("--contestants", "routes,carrier-pigeon"));
    assertTrue(
        err.toString()
            .startsWith("culvert: There is no contestant \"carrier-pigeon\"; choose from routes, "),
        err::toString);
  }

  @Test
  void whatCannotBeMeasuredIsNamedBesideWhatCan() {
    assertEquals(2, run("--measure", "echo,karma"));
    assertTrue(
        err.toString().contains("\"karma\" cannot be measured; choose from tcp-1, udp-64, echo, "),
        err::toString);
  }

  /** Where the page went is no part of what was measured. */
  @Test
  void theCommandIsWhatSomebodyElseWouldType() {
    List<String> words =
        List.of("--results", "/a/folder", "--quick", "--results=there", "--seed", "2");
    assertEquals("./culvert bench --quick --seed 2", Main.command(words));
    assertEquals("./culvert bench", Main.command(List.of()));
  }

  @Test
  void anUnknownModeOrPartIsRefused() {
    assertEquals(2, run("--mode", "warp"));
    assertEquals(2, run("--parts", "own_mtu,sleep"));
  }
}
