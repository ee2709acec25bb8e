// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import dev.culvert.agent.lab.Lab;
import dev.culvert.agent.lab.measure.ConnectionRate;
import dev.culvert.agent.lab.measure.Contestant;
import dev.culvert.agent.lab.measure.Echo;
import dev.culvert.agent.lab.measure.Iperf;
import dev.culvert.agent.lab.measure.Measurement;
import dev.culvert.agent.lab.measure.PacketRate;
import dev.culvert.agent.lab.measure.Sockperf;
import dev.culvert.agent.lab.measure.TcpThroughput;
import dev.culvert.agent.lab.measure.UdpIperf;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/** What can be measured of a contestant, in the order in which it is. */
enum Kind {
  TCP_1(true) {
    @Override
    Measurement with(Tools tools) {
      return new TcpThroughput(tools.iperf, 1, false, SECOND);
    }
  },
  UDP_64(true) {
    @Override
    Measurement with(Tools tools) {
      return new PacketRate(64, tools.turn);
    }
  },
  ECHO(true) {
    @Override
    Measurement with(Tools tools) {
      return new Echo(tools.turn, tools.roundTrips);
    }
  },
  IPERF_UDP_64(false) {
    @Override
    Measurement with(Tools tools) {
      return new UdpIperf(tools.iperf, 64, SECOND);
    }
  },
  TCP_1_BACK(false) {
    @Override
    Measurement with(Tools tools) {
      return new TcpThroughput(tools.iperf, 1, true, SECOND);
    }
  },
  TCP_8(false) {
    @Override
    Measurement with(Tools tools) {
      return new TcpThroughput(tools.iperf, 8, false, SECOND);
    }
  },
  TCP_8_BACK(false) {
    @Override
    Measurement with(Tools tools) {
      return new TcpThroughput(tools.iperf, 8, true, SECOND);
    }
  },
  TCP_32(false) {
    @Override
    Measurement with(Tools tools) {
      return new TcpThroughput(tools.iperf, 32, false, SECOND);
    }
  },
  TCP_32_BACK(false) {
    @Override
    Measurement with(Tools tools) {
      return new TcpThroughput(tools.iperf, 32, true, SECOND);
    }
  },
  UDP_512(false) {
    @Override
    Measurement with(Tools tools) {
      return new PacketRate(512, tools.turn);
    }
  },
  UDP_1400(false) {
    @Override
    Measurement with(Tools tools) {
      return new PacketRate(1400, tools.turn);
    }
  },
  SOCKPERF(false) {
    @Override
    Measurement with(Tools tools) {
      return new Sockperf(tools.lab);
    }
  },
  CONNECTIONS(false) {
    @Override
    Measurement with(Tools tools) {
      return new ConnectionRate(tools.turn);
    }
  };

  /**
   * What measurements need.
   *
   * @param turn of those that choose how long they take
   * @param roundTrips is given each turn's, in nanoseconds
   */
  record Tools(Lab lab, Iperf iperf, Duration turn, BiConsumer<Contestant, long[]> roundTrips) {}

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final boolean quick;

  Kind(boolean quick) {
    this.quick = quick;
  }

  abstract Measurement with(Tools tools);

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
