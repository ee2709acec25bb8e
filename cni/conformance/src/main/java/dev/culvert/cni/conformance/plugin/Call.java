// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import dev.culvert.cni.conformance.json.Json;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One call of a plugin: a verb, parameters in the environment, and the configuration on its
 * standard input.
 *
 * @param environment the protocol's variables alone
 */
public record Call(Map<String, String> environment, String input) {
  public Call {
    environment = Map.copyOf(environment);
  }

  /** A call without any parameter but the verb. */
  public static Call of(String command, Map<String, ?> request) {
    return new Call(Map.of("CNI_COMMAND", command), Json.write(request));
  }

  public Call with(String variable, String value) {
    Map<String, String> changed = new LinkedHashMap<>(environment);
    changed.put(variable, value);
    return new Call(changed, input);
  }

  public Call without(String variable) {
    Map<String, String> changed = new LinkedHashMap<>(environment);
    changed.remove(variable);
    return new Call(changed, input);
  }

  public Call withInput(String text) {
    return new Call(environment, text);
  }

  /** The verb, for sentences. */
  public String command() {
    return environment.getOrDefault("CNI_COMMAND", "a call without CNI_COMMAND");
  }
}
