// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs other programs: they set up what a test needs, and are oracles for what it sees. */
public final class Commands {
  private Commands() {}

  /**
   * Runs a program to its end.
   *
   * @return what it wrote, errors included
   * @throws AssertionError when it fails, with all that it wrote
   */
  public static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    if (status != 0) {
      throw new AssertionError(
          String.join(" ", List.of(command)) + " ended with " + status + ":\n" + output);
    }
    return output;
  }
}
