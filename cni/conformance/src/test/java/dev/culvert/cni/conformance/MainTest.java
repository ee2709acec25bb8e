// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | Which plugin, and with which configuration?",
        "--plugin /nowhere --config x | There is no program /nowhere.",
        "--plugin /bin/true --config x --only del.thrice | There is no check \"del.thrice\"",
        "--plugin /bin/true --config x --versions 2.0.0 | The kit knows the versions [0.3.1, 0.4.0, 1.0.0, 1.1.0], and not 2.0.0.",
        "--plugin /bin/true --config x --versions new | \"new\" is no version of the specification",
        "--plugin /bin/true --config x --break true | --break and --mend go together.",
        "--plugin /bin/true --config x --rounds 0 | --parallel, --rounds, --pool-limit and --timeout want 1 or more.",
        "--plugin /bin/true --config x --host nowhere | There is no network namespace nowhere",
        "--plugins | Unknown option: '--plugins'",
      })
  void aWrongCommandLineIsToldInOneSentence(String arguments, String words) {
    assertEquals(2, execute(arguments.isEmpty() ? new String[0] : arguments.split(" ")));
    assertTrue(err.toString().contains(words), err::toString);
    assertEquals(1, err.toString().lines().count());
    assertEquals("", out.toString());
  }

  @Test
  void theListNamesWhatIsChosen() {
    assertEquals(0, execute("--list", "--only", "gc,del.twice"));
    assertEquals(
        java.util.List.of("del.twice", "gc.keeps", "gc.removes", "gc.goes-on", "gc.silent"),
        out.toString().lines().map(line -> line.replaceFirst(" .*", "")).toList());
  }

  private int execute(String... arguments) {
    return Main.commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
        .execute(arguments);
  }
}
