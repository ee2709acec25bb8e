// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.lab.Command;
import dev.culvert.lab.Probes;
import dev.culvert.lab.Running;
import dev.culvert.lab.Shell;
import java.nio.file.Path;

/** Echo requests from one container to another, fifty a second, for as long as it is open. */
final class Traffic {
  /**
   * What a fault cost.
   *
   * @param lost without an answer
   */
  record Loss(int sent, int lost) {
    Loss plus(Loss other) {
      return new Loss(sent + other.sent, lost + other.lost);
    }
  }

  /** On a busy machine an answer takes as long as a few requests: a fifth of a second. */
  private static final int UNDER_WAY = 10;

  private final Shell shell;
  private final Running ping;

  private Traffic(Shell shell, Running ping) {
    this.shell = shell;
    this.ping = ping;
  }

  static Traffic start(Shell shell, RealHost from, RealHost to, Path log) {
    Command ping = Command.of("ping", "-n", "-i", "0.02", to.address()).in(from.container);
    return new Traffic(shell, shell.start(ping, log));
  }

  /** The last ones may be under way when it is stopped: they count as neither sent nor lost. */
  Loss stop() {
    Probes.Ping ping = Probes.interrupted(shell, this.ping);
    int last = lastAnswered();
    boolean underWay = ping.sent() - last <= UNDER_WAY;
    int sent = underWay ? last : ping.sent();
    return new Loss(sent, sent - ping.received());
  }

  private int lastAnswered() {
    String log = ping.log();
    int at = log.lastIndexOf(": icmp_seq=");
    if (at < 0) {
      return 0;
    }
    String number = log.substring(at + ": icmp_seq=".length());
    return Integer.parseInt(number.substring(0, number.indexOf(' ')));
  }
}
