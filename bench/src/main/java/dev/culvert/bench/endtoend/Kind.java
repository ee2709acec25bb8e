// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.lab.Lab;
import dev.culvert.measure.ConnectionRate;
import dev.culvert.measure.Contestant;
import dev.culvert.measure.Echo;
import dev.culvert.measure.Iperf;
import dev.culvert.measure.Measurement;
import dev.culvert.measure.PacketRate;
import dev.culvert.measure.Sockperf;
import dev.culvert.measure.TcpThroughput;
import dev.culvert.measure.UdpIperf;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;

/** What can be measured of a contestant, in the order in which it is. */
enum Kind {
  TCP_1(true, tools -> tools.tcp(1, false)),
  UDP_64(true, tools -> tools.udp(64)),
  ECHO(true, tools -> new Echo(tools.turn(), tools.roundTrips())),
  IPERF_UDP_64(false, tools -> new UdpIperf(tools.iperf(), 64, Tools.SECOND)),
  TCP_1_BACK(false, tools -> tools.tcp(1, true)),
  TCP_8(false, tools -> tools.tcp(8, false)),
  TCP_8_BACK(false, tools -> tools.tcp(8, true)),
  TCP_32(false, tools -> tools.tcp(32, false)),
  TCP_32_BACK(false, tools -> tools.tcp(32, true)),
  UDP_512(false, tools -> tools.udp(512)),
  UDP_1400(false, tools -> tools.udp(1400)),
  SOCKPERF(false, tools -> new Sockperf(tools.lab())),
  CONNECTIONS(false, tools -> new ConnectionRate(tools.turn()));

  /**
   * What measurements need.
   *
   * @param turn of those that choose how long they take
   * @param roundTrips is given each turn's, in nanoseconds
   */
  record Tools(Lab lab, Iperf iperf, Duration turn, BiConsumer<Contestant, long[]> roundTrips) {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private Measurement tcp(int streams, boolean reverse) {
      return new TcpThroughput(iperf, streams, reverse, SECOND);
    }

    private Measurement udp(int bytes) {
      return new PacketRate(bytes, turn);
    }
  }

  private final boolean quick;

  @SuppressWarnings("ImmutableEnumChecker") // captures nothing
  private final Function<Tools, Measurement> measurement;

  Kind(boolean quick, Function<Tools, Measurement> measurement) {
    this.quick = quick;
    this.measurement = measurement;
  }

  Measurement with(Tools tools) {
    return measurement.apply(tools);
  }

  static List<Kind> all() {
    return List.of(values());
  }

  /** Those of a quick run. */
  static List<Kind> quick() {
    return Stream.of(values()).filter(kind -> kind.quick).toList();
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
