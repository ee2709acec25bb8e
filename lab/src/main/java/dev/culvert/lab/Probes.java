// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Simple tries whether and how a packet comes through. */
public final class Probes {
  /**
   * What ping saw.
   *
   * @param complaint what came instead of an answer, such as "Destination Net Unreachable"
   */
  public record Ping(int sent, int received, String complaint) {
    public boolean all() {
      return sent > 0 && received == sent;
    }

    /** For people. */
    public String text() {
      return "%d of %d answers%s"
          .formatted(received, sent, complaint.isEmpty() ? "" : " (" + complaint + ")");
    }
  }

  private static final Pattern COUNTS =
      Pattern.compile("(\\d+) packets transmitted, (\\d+) (?:packets )?received");
  private static final Pattern FROM = Pattern.compile("From \\S+ icmp_seq=\\d+ (.+)");

  private Probes() {}

  /** Pings an address, 20 ms apart, 1 s patience for the last. */
  public static Ping ping(Shell shell, String namespace, String address, int count) {
    Shell.Result result =
        shell.run(
            Command.of(
                    "ping", "-n", "-c", Integer.toString(count), "-i", "0.02", "-W", "1", address)
                .in(namespace));
    return parsePing(result.out() + result.err());
  }

  /** Interrupts a ping that was started without a count, and reads what it saw. */
  public static Ping interrupted(Shell shell, Running ping) {
    shell.check(
        Command.of("sh", "-c", "kill -INT " + ping.pid())); // the shell's own kill: no package
    Patience.until("ping to end", Duration.ofSeconds(10), () -> !ping.alive());
    return parsePing(ping.log());
  }

  static Ping parsePing(String output) {
    Matcher counts = COUNTS.matcher(output);
    if (!counts.find()) {
      throw new LabException(
          "ping said: " + output.strip().lines().findFirst().orElse("nothing at all"));
    }
    Matcher from = FROM.matcher(output);
    return new Ping(
        Integer.parseInt(counts.group(1)),
        Integer.parseInt(counts.group(2)),
        from.find() ? from.group(1) : "");
  }

  /**
   * Pings with each of some ICMP payload sizes, in a shell loop.
   *
   * @param bytes the sizes
   * @return sizes without an answer
   */
  public static List<String> pingSizes(
      Shell shell, String namespace, String address, IntStream bytes) {
    String script =
        """
        for size in %s; do
          ping -q -n -c 1 -W 1 -M do -s $size %s > /dev/null 2>&1 || echo $size
        done
        """
            .formatted(bytes.mapToObj(Integer::toString).collect(Collectors.joining(" ")), address);
    return shell
        .output(Command.of("sh", "-s").in(namespace).reading(script).within(Duration.ofSeconds(60)))
        .lines()
        .toList();
  }
}
