// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.agent.UserException;
import dev.culvert.agent.socket.ControlClient;
import dev.culvert.agent.socket.Instance;
import java.time.Duration;
import java.util.Map;

/** Requests that only a living agent can answer. */
final class Answers {
  // Attaching takes milliseconds. Longer than the agent's own limits, so that its sentence arrives:
  // it knows whether what was asked is done, or never will be.
  private static final Duration PATIENCE = Duration.ofSeconds(75);

  private Answers() {}

  /**
   * @param purpose completes "The agent of host X is not running, so ..."
   */
  static Map<String, Object> ask(Instance instance, Map<String, Object> request, String purpose) {
    return switch (new ControlClient(instance.socket()).ask(request, PATIENCE)) {
      case ControlClient.Reply.Answer answer -> answer.fields();
      case ControlClient.Reply.None none ->
          throw new UserException(
              switch (none.reason()) {
                case NOT_RUNNING ->
                    "The agent of host %s is not running, so %s; start it: culvert agent --config FILE."
                        .formatted(instance.host(), purpose);
                case NOT_ANSWERING ->
                    "The agent of host %s runs but did not answer within %d s; look at its log."
                        .formatted(instance.host(), PATIENCE.toSeconds());
              });
    };
  }
}
