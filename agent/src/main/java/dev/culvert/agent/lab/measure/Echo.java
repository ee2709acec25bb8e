// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab.measure;

import dev.culvert.agent.lab.Command;
import dev.culvert.agent.lab.LabException;
import dev.culvert.agent.lab.Shell;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * ICMP echo, each asked as soon as the last was answered ({@code ping -A}). The other end's kernel
 * answers, so no wake-up of a server is in it: the way itself is most of what is measured.
 */
public final class Echo implements Measurement {
  private static final int PINGS = 4000;
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Pattern TIME = Pattern.compile(" time=([0-9.]+) ms");

  private static final Quantity MEDIAN =
      Quantity.less("echo-50", "round trip of ping, half of them within", "us");

  private final Shell shell;

  public Echo(Shell shell) {
    this.shell = shell;
  }

  @Override
  public List<Quantity> quantities() {
    return List.of(MEDIAN);
  }

  @Override
  public double seconds() {
    return 0.2;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    Command ping =
        Command.of(
            "ping", "-n", "-A", "-c", Integer.toString(PINGS), contestant.server().address());
    String text =
        shell.output(Side.CLIENT.pinned(ping).in(contestant.client().namespace()).within(PATIENCE));
    double[] us = microseconds(text);
    if (us.length == 0) {
      throw new LabException("ping over " + contestant.id() + " had no answer.");
    }
    return Map.of(MEDIAN, Statistics.medianOfWhole(us));
  }

  /** The times that ping prints, which it cuts to whole microseconds below a millisecond. */
  static double[] microseconds(String text) {
    return TIME.matcher(text)
        .results()
        .mapToDouble(match -> Double.parseDouble(match.group(1)) * 1000)
        .toArray();
  }
}
