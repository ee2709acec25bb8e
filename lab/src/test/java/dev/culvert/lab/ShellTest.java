// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShellTest {
  @TempDir private Path temporary;

  @Test
  void inputAndOutputPassThrough() {
    try (Shell shell = new Shell()) {
      assertEquals("one\ntwo\n", shell.output(Command.of("cat").reading("one\ntwo\n")));
    }
  }

  @Test
  void failureNamesCommandCodeAndComplaint() {
    try (Shell shell = new Shell()) {
      LabException e =
          assertThrows(
              LabException.class,
              () -> shell.check(Command.of("sh", "-c", "echo broken >&2; echo more >&2; exit 3")));
      assertEquals(
          "\"sh -c echo broken >&2; echo more >&2; exit 3\" failed (exit code 3): broken",
          e.getMessage());
    }
  }

  @Test
  void slowCommandIsEnded() {
    try (Shell shell = new Shell()) {
      Command slow = Command.of("sleep", "60").within(Duration.ofMillis(100));
      LabException e = assertThrows(LabException.class, () -> shell.run(slow));
      assertTrue(e.getMessage().startsWith("\"sleep 60\" did not end within"), e.getMessage());
    }
  }

  /** 1 MB is more than a pipe holds: it is not written before the command reads it. */
  @Test
  void timeLimitHoldsForACommandThatDoesNotReadItsInput() {
    try (Shell shell = new Shell()) {
      Command deaf =
          Command.of("sleep", "30").reading("x".repeat(1_000_000)).within(Duration.ofSeconds(1));
      long before = System.nanoTime();
      LabException e = assertThrows(LabException.class, () -> shell.run(deaf));
      Duration took = Duration.ofNanos(System.nanoTime() - before);
      assertEquals("\"sleep 30\" did not end within 1 s.", e.getMessage());
      assertTrue(took.compareTo(Duration.ofSeconds(10)) < 0, "it took " + took);
    }
  }

  @Test
  void longInputArrivesWholeAndMayBeLeftUnread() {
    try (Shell shell = new Shell()) {
      String input = "x".repeat(1_000_000);
      assertEquals(input, shell.output(Command.of("cat").reading(input)));
      assertEquals("", shell.output(Command.of("true").reading(input)));
    }
  }

  /** A log goes on where an earlier child of the same name has left it. */
  @Test
  void aChildsLogIsItsOwnPartOfTheFile() {
    try (Shell shell = new Shell()) {
      Path log = temporary.resolve("agent.log");
      Duration patience = Duration.ofSeconds(10);
      shell.start(Command.of("echo", "the first leaves"), log).awaitOutput("leaves", patience);
      Running second = shell.start(Command.of("echo", "the second is ready"), log);
      second.awaitOutput("ready", patience);
      assertEquals("the second is ready\n", second.log());
    }
  }

  @Test
  void absentProgramIsNamed() {
    try (Shell shell = new Shell()) {
      LabException e =
          assertThrows(LabException.class, () -> shell.run(Command.of("no-such-program")));
      assertTrue(e.getMessage().startsWith("Cannot start \"no-such-program\""), e.getMessage());
    }
  }

  @Test
  void closingEndsWhatStillRunsAndStartsNothingMore() {
    Shell shell = new Shell();
    Running sleeping = shell.start(Command.of("sleep", "60"), temporary.resolve("log"));
    assertTrue(sleeping.alive());
    shell.close();
    assertFalse(sleeping.alive());
    assertThrows(LabException.class, () -> shell.run(Command.of("true")));
  }

  @Test
  void earlyEndIsToldWithItsOutput() {
    try (Shell shell = new Shell();
        Running child =
            shell.start(Command.of("sh", "-c", "echo no such device"), temporary.resolve("log"))) {
      LabException e =
          assertThrows(
              LabException.class, () -> child.awaitOutput("listening", Duration.ofSeconds(5)));
      assertTrue(e.getMessage().endsWith("ended early: no such device"), e.getMessage());
    }
  }

  @Test
  void commandsAreWrappedFromTheInside() {
    Command command = Command.of("ping", "10.0.0.1").on(0).in("cv-lab-x");
    assertEquals(
        List.of(
            "nsenter", "--net=/run/netns/cv-lab-x", "--", "taskset", "-c", "0", "ping", "10.0.0.1"),
        command.words());
  }
}
