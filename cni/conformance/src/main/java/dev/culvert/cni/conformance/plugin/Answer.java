// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import dev.culvert.cni.conformance.json.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;

/**
 * How a call ended.
 *
 * @param call the verb and the plugin: "ADD of bridge"
 * @param exitCode 128 and the signal's number where a signal ended it
 * @param bound how long it was waited for
 * @param hung true where it had to be killed after that time
 */
public record Answer(
    String call, int exitCode, String stdout, String stderr, Duration bound, boolean hung) {
  private static final int SHOWN = 240;

  public boolean succeeded() {
    return exitCode == 0 && !hung;
  }

  /**
   * What is on the standard output.
   *
   * @throws IOException when that is not one JSON object
   */
  public Map<String, Object> object() throws IOException {
    return Json.object(stdout);
  }

  /** The code of the error on the standard output; empty where there is none. */
  public OptionalLong code() {
    try {
      return object().get("code") instanceof Long code
          ? OptionalLong.of(code)
          : OptionalLong.empty();
    } catch (IOException noError) {
      return OptionalLong.empty();
    }
  }

  /** The words of the error on the standard output, both kinds; empty where there are none. */
  public String words() {
    try {
      Map<String, Object> error = object();
      return error.getOrDefault("msg", "") + " " + error.getOrDefault("details", "");
    } catch (IOException noError) {
      return "";
    }
  }

  /** Continues a sentence: "it ended with 1 and said ...". */
  public String describe() {
    if (hung) {
      return call + " hung: it had not ended after " + bound.toSeconds() + " s and was killed";
    }
    String said = stdout.isBlank() ? "nothing on stdout" : "\"" + brief(stdout) + "\"";
    String logged =
        stderr.isBlank() || !stdout.isBlank() ? "" : ", stderr \"" + brief(stderr) + "\"";
    return "it ended with " + exitCode + " and said " + said + logged;
  }

  private static String brief(String text) {
    String line = text.strip().replaceAll("\\s+", " ");
    return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "...";
  }
}
