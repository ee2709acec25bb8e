// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import dev.culvert.agent.config.AgentConfig;
import dev.culvert.kernel.Libc;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Waits for an underlay that comes late: at boot, a driver or a DHCP server may take longer than we
 * do. What is missing is said each time that it changes.
 */
final class UnderlayWait {
  private static final long LOOK_MS = 500;

  /** Well above {@link #LOOK_MS}: the service manager must not lose patience in between. */
  private static final Duration EXTENSION = Duration.ofSeconds(30);

  private final Libc libc;
  private final ServiceManager manager;
  private final Consumer<String> say;

  UnderlayWait(Libc libc, ServiceManager manager, Consumer<String> say) {
    this.libc = libc;
    this.manager = manager;
    this.say = say;
  }

  /** What the configuration means, once the underlay is there; empty when told to end before. */
  Optional<Membership.Settled> settle(AgentConfig config, Orders orders) {
    String said = "";
    while (!orders.isEnding()) {
      try {
        return Optional.of(Membership.settle(config, libc));
      } catch (UserException notYet) {
        String sentence = "waiting for the underlay: " + notYet.getMessage();
        if (!sentence.equals(said)) {
          say.accept("culvert agent " + config.host() + " is " + sentence);
          said = sentence;
        }
        manager.waiting(sentence, EXTENSION);
      }
      try {
        boolean _ = orders.endsWithin(LOOK_MS);
      } catch (InterruptedException e) {
        // Nobody has a reason to; there are other ways to end.
      }
    }
    return Optional.empty();
  }
}
