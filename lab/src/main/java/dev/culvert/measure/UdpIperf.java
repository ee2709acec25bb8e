// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How many small UDP datagrams a second arrive from iperf3, which sends them one by one as fast as
 * it can: its own work and the receiver's wake-ups are a good part of what this measures.
 */
public final class UdpIperf implements Measurement {
  private final Iperf iperf;
  private final int bytes;
  private final Duration duration;
  private final Quantity rate;
  private final Quantity loss;

  /**
   * @param bytes of payload in each datagram; iperf3 takes 16 at least
   * @param duration whole seconds
   */
  public UdpIperf(Iperf iperf, int bytes, Duration duration) {
    this.iperf = iperf;
    this.bytes = bytes;
    this.duration = duration;
    String id = "iperf-udp-" + bytes;
    String title = "UDP received from iperf3, " + bytes + " bytes";
    this.rate = Quantity.more(id, title, "kpps");
    this.loss = Quantity.less(id + "-loss", title + ": lost", "%");
  }

  @Override
  public List<Quantity> quantities() {
    return List.of(rate, loss);
  }

  @Override
  public double seconds() {
    return duration.toMillis() / 1e3 + 0.2;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    Iperf.Datagrams datagrams = iperf.sendDatagrams(contestant, bytes, duration);
    double arrived = datagrams.sent() - datagrams.lost();
    return Map.of(
        rate,
        arrived / datagrams.seconds() / 1e3,
        loss,
        datagrams.sent() == 0 ? Double.NaN : 100 * datagrams.lost() / datagrams.sent());
  }
}
