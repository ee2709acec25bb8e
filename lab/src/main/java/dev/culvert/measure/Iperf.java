// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.agent.output.Json;
import dev.culvert.kernel.RefusedException;
import dev.culvert.lab.Command;
import dev.culvert.lab.Lab;
import dev.culvert.lab.LabException;
import dev.culvert.lab.Running;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * iperf3: a server for each contestant, started when it is first asked, until this is closed; a
 * client for each turn.
 */
public final class Iperf implements AutoCloseable {
  /**
   * What a transfer was.
   *
   * @param received bytes that the receiver got, in {@code seconds}
   * @param retransmissions of the sender; -1 where its TCP does not tell
   */
  public record Transfer(double received, double seconds, long retransmissions) {
    public double gigabitsPerSecond() {
      return received * 8 / seconds / 1e9;
    }
  }

  /**
   * What a stream of datagrams was.
   *
   * @param sent how many the sender sent in {@code seconds}
   * @param lost how many of them did not arrive
   */
  public record Datagrams(double sent, double lost, double seconds) {}

  private static final int PORT = 5201;
  private static final Duration START = Duration.ofSeconds(5);

  /** With several streams iperf3 writes these again for each, which is no JSON. */
  private static final Pattern REPEATED =
      Pattern.compile("\"(sock_bufsize|sndbuf_actual|rcvbuf_actual)\":\\s*\\d+,\\s*");

  private static final int SHOWN_CHARACTERS = 100;

  private final Lab lab;
  private final Map<String, Running> servers = new HashMap<>();

  public Iperf(Lab lab) {
    this.lab = lab;
  }

  /**
   * Sends for whole seconds. BBR, the default in places, paces; cubic takes what the path gives.
   *
   * @param reverse the server sends
   */
  Transfer send(Contestant contestant, int streams, boolean reverse, Duration duration) {
    List<String> words = new ArrayList<>(List.of("-C", "cubic", "-P", Integer.toString(streams)));
    if (reverse) {
      words.add("-R");
    }
    return parse(run(contestant, words, duration));
  }

  /** Sends datagrams of so many bytes one by one, as fast as it can, for whole seconds. */
  Datagrams sendDatagrams(Contestant contestant, int bytes, Duration duration) {
    return parseDatagrams(
        run(contestant, List.of("-u", "-b", "0", "-l", Integer.toString(bytes)), duration));
  }

  private String run(Contestant contestant, List<String> options, Duration duration) {
    Running server = servers.computeIfAbsent(contestant.id(), _ -> serve(contestant));
    if (!server.alive()) {
      throw new LabException("iperf3's server of " + contestant.id() + " has ended.");
    }
    List<String> words = new ArrayList<>(List.of("iperf3", "-J", "-p", Integer.toString(PORT)));
    words.addAll(List.of("-c", contestant.server().address()));
    words.addAll(List.of("-t", Long.toString(duration.toSeconds())));
    words.addAll(options);
    Command client = Side.CLIENT.pinned(Command.of(words)).in(contestant.client().namespace());
    return lab.shell().run(client.within(duration.multipliedBy(2).plusSeconds(10))).out();
  }

  private Running serve(Contestant contestant) {
    Command command = Command.of("iperf3", "-s", "--forceflush", "-p", Integer.toString(PORT));
    Running server =
        lab.shell()
            .start(
                Side.SERVER.pinned(command).in(contestant.server().namespace()),
                lab.file("iperf3-" + contestant.id() + ".log"));
    server.awaitOutput("listening", START);
    return server;
  }

  /**
   * Reads what {@code iperf3 -J} prints.
   *
   * @throws LabException with iperf3's own words when it failed
   */
  static Transfer parse(String text) {
    Map<String, Object> answer = json(text);
    if (answer.get("end") instanceof Map<?, ?> end
        && end.get("sum_received") instanceof Map<?, ?> received
        && end.get("sum_sent") instanceof Map<?, ?> sent) {
      long retransmissions =
          sent.get("retransmits") instanceof Number number ? number.longValue() : -1;
      return new Transfer(number(received, "bytes"), number(received, "seconds"), retransmissions);
    }
    throw new LabException("iperf3 says: " + answer.get("error"));
  }

  /** The same of {@code iperf3 -u}. */
  static Datagrams parseDatagrams(String text) {
    Map<String, Object> answer = json(text);
    if (answer.get("end") instanceof Map<?, ?> end && end.get("sum") instanceof Map<?, ?> sum) {
      return new Datagrams(
          number(sum, "packets"), number(sum, "lost_packets"), number(sum, "seconds"));
    }
    throw new LabException("iperf3 says: " + answer.get("error"));
  }

  private static Map<String, Object> json(String text) {
    try {
      return Json.parseObject(REPEATED.matcher(text).replaceAll(""));
    } catch (RefusedException e) {
      throw new LabException("iperf3 did not answer in JSON: " + start(text) + ".", e);
    }
  }

  private static String start(String text) {
    String stripped = text.strip();
    return stripped.substring(0, Math.min(stripped.length(), SHOWN_CHARACTERS));
  }

  private static double number(Map<?, ?> map, String key) {
    if (map.get(key) instanceof Number number) {
      return number.doubleValue();
    }
    throw new LabException("iperf3's answer has no number \"" + key + "\".");
  }

  @Override
  public void close() {
    servers.values().forEach(Running::close);
    servers.clear();
  }
}
