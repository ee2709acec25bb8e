// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.lab.Command;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Running;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * UDP round trips between two processes that sleep until something comes, as {@code sockperf
 * ping-pong} has them. Both ends' wake-ups are in it.
 */
public final class Sockperf implements Measurement {
  private static final int PORT = 5203;
  private static final int PAYLOAD_BYTES = 64;
  private static final Duration START = Duration.ofSeconds(5);
  private static final Duration TURN = Duration.ofSeconds(1);

  private static final Percentiles PERCENTILES =
      new Percentiles("sockperf", "sockperf's UDP round trip");

  private final Lab lab;

  public Sockperf(Lab lab) {
    this.lab = lab;
  }

  @Override
  public List<Quantity> quantities() {
    return PERCENTILES.quantities();
  }

  @Override
  public double seconds() {
    return 2;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    String address = contestant.server().address();
    String port = Integer.toString(PORT);
    // Into a file, sockperf would write when it ends, and nobody would know that it is ready.
    Command server = Command.of("stdbuf", "-oL", "sockperf", "server", "-i", address, "-p", port);
    List<String> ask =
        List.of(
            "sockperf",
            "ping-pong",
            "--full-rtt",
            "-i",
            address,
            "-p",
            port,
            "-t",
            Long.toString(TURN.toSeconds()),
            "-m",
            Integer.toString(PAYLOAD_BYTES));
    try (Running running =
        lab.shell()
            .start(
                Side.SERVER.pinned(server).in(contestant.server().namespace()),
                lab.file("sockperf-" + contestant.id() + ".log"))) {
      running.awaitOutput("to block on socket", START);
      Command client = Side.CLIENT.pinned(Command.of(ask)).in(contestant.client().namespace());
      String text = lab.shell().run(client.within(TURN.plusSeconds(10))).out();
      return PERCENTILES.values(
          percent -> percentile(text, String.format(Locale.ROOT, "%.3f", percent)));
    }
  }

  /**
   * Reads what {@code sockperf --full-rtt} prints, in microseconds.
   *
   * @throws LabException with sockperf's own words when the percentile is not among them
   */
  static double percentile(String text, String percent) {
    Matcher line =
        Pattern.compile("percentile " + Pattern.quote(percent) + " =\\s*([0-9.]+)").matcher(text);
    if (!line.find()) {
      throw new LabException("sockperf says: " + text.lines().reduce("", (_, last) -> last));
    }
    return Double.parseDouble(line.group(1));
  }
}
