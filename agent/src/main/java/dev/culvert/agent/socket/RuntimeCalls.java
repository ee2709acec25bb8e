// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import java.util.Map;

/** What container runtimes ask by way of a plugin, which hands their words over as they are. */
public interface RuntimeCalls {
  /**
   * Carries out one call; what is refused is in the answer.
   *
   * @param environment the variables that the runtime set
   * @param configuration what it wrote to the plugin's standard input
   * @return the fields of the response, "ok" too where it is refused
   */
  Map<String, Object> answer(Map<String, String> environment, String configuration);
}
