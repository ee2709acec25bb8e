// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs other programs: they set up what a test needs, and are oracles for what it sees. */
public final class Commands {
  private record Ended(int status, String output) {}

  private Commands() {}

  /**
   * Runs a program to its end.
   *
   * @return what it wrote, errors included
   * @throws AssertionError when it fails, with all that it wrote
   */
  public static String run(String... command) throws IOException, InterruptedException {
    Ended ended = end(command);
    if (ended.status() != 0) {
      throw new AssertionError(
          String.join(" ", List.of(command))
              + " ended with "
              + ended.status()
              + ":\n"
              + ended.output());
    }
    return ended.output();
  }

  /**
   * Runs a program to its end, which may be a failure.
   *
   * @return what it wrote, errors included
   */
  public static String tryRun(String... command) {
    try {
      return end(command).output();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Ended end(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), output);
  }
}
