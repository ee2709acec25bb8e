// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * How to take down what the plugin depends on, a daemon for example, and to bring it back: two
 * commands for sh(1), which return when it is done.
 */
public record Outage(String breakIt, String mendIt) {
  /** Something to do meanwhile. */
  interface Meanwhile {
    void run() throws Failed, NotApplicable;
  }

  void during(Meanwhile work) throws Failed, NotApplicable {
    run(breakIt);
    try {
      work.run();
    } finally {
      run(mendIt);
    }
  }

  private static void run(String command) {
    try {
      Process process = new ProcessBuilder("sh", "-c", command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException("\"" + command + "\" failed: " + output.strip());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while running \"" + command + "\".", e);
    }
  }
}
