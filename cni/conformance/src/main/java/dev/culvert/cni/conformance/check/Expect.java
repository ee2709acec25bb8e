// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import java.util.Arrays;
import java.util.stream.Collectors;

/** What a check may expect of an answer; each ends as one sentence where it does not hold. */
final class Expect {
  private Expect() {}

  /**
   * @param what the call, as a subject: "a second DEL"
   */
  static void success(Answer answer, String what) throws Failed {
    if (!answer.succeeded()) {
      throw new Failed(what + " should succeed, but " + answer.describe() + ".");
    }
  }

  /** A refusal is an exit code other than 0. */
  static void refusal(Answer answer, String what) throws Failed {
    if (answer.hung() || answer.exitCode() == 0) {
      throw new Failed(what + " should be refused, but " + answer.describe() + ".");
    }
  }

  /** A refusal with one of these codes in its error. */
  static void code(Answer answer, String what, long... codes) throws Failed {
    refusal(answer, what);
    if (answer.code().isEmpty()
        || Arrays.stream(codes).noneMatch(code -> code == answer.code().getAsLong())) {
      String wanted =
          Arrays.stream(codes).mapToObj(Long::toString).collect(Collectors.joining(" or "));
      throw new Failed(
          what + " should be refused with code " + wanted + ", but " + answer.describe() + ".");
    }
  }

  static void nothingOnStdout(Answer answer, String what) throws Failed {
    if (!answer.stdout().isBlank()) {
      throw new Failed(what + " should leave stdout empty, but " + answer.describe() + ".");
    }
  }

  /** What is seen in the kernel, or in a result. */
  static void that(boolean holds, String otherwise) throws Failed {
    if (!holds) {
      throw new Failed(otherwise);
    }
  }

  static void equal(Object expected, Object seen, String what) throws Failed {
    that(expected.equals(seen), what + " should be " + expected + ", but is " + seen + ".");
  }
}
