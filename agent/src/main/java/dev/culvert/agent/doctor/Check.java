// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.doctor;

/**
 * One thing looked at.
 *
 * @param found what is there
 * @param advice what to do about it; empty when it is well
 */
public record Check(String name, State state, String found, String advice) {
  /** How it stands. */
  public enum State {
    /** As it should be. */
    OK,
    /** Works, but slower or with a fallback. */
    WARN,
    /** The agent cannot run like this. */
    FAIL
  }

  static Check ok(String name, String found) {
    return new Check(name, State.OK, found, "");
  }

  static Check warn(String name, String found, String advice) {
    return new Check(name, State.WARN, found, advice);
  }

  static Check fail(String name, String found, String advice) {
    return new Check(name, State.FAIL, found, advice);
  }
}
