// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** What the lab's command line says without making anything. */
class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int lab(String... arguments) {
    return Main.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(arguments);
  }

  @Test
  void isCalledAsItIsTyped() {
    assertEquals(0, lab("run", "--help"));
    assertTrue(out.toString().startsWith("Usage: culvert lab run "), out.toString());
  }

  @Test
  void asksWhichCommand() {
    assertEquals(2, lab());
    assertEquals(
        "culvert: Which lab command? One of run, up, exec, down. Try: culvert lab --help\n",
        err.toString());
  }

  @Test
  void refusesPartsThatAreNotThere() {
    assertEquals(2, lab("run", "9"));
    assertTrue(err.toString().startsWith("culvert: There is no part \"9\""), err.toString());
  }
}
