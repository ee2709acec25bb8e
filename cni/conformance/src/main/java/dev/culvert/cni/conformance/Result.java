// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Level;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.util.Optional;

/**
 * What became of one check.
 *
 * @param version empty where it was not run in any
 * @param why one sentence for what failed or was not applicable, else empty
 */
public record Result(Check check, Optional<CniVersion> version, Status status, String why) {
  /** How it ended. */
  public enum Status {
    PASSED("passed"),
    FAILED("failed"),
    NOT_APPLICABLE("not applicable");

    private final String words;

    Status(String words) {
      this.words = words;
    }

    public String words() {
      return words;
    }
  }

  /** The check, and the version where it is run in each. */
  String title() {
    return check.eachVersion() && version.isPresent()
        ? check.id() + " " + version.get()
        : check.id();
  }

  boolean failed(Level level) {
    return status == Status.FAILED && check.level() == level;
  }
}
