// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** TCP's throughput over one or more streams, as iperf3 has it. */
public final class TcpThroughput implements Measurement {
  private final Iperf iperf;
  private final int streams;
  private final boolean reverse;
  private final Duration duration;
  private final Quantity rate;
  private final Quantity work;
  private final Quantity retransmissions;

  /**
   * @param reverse the server sends
   * @param duration whole seconds
   */
  public TcpThroughput(Iperf iperf, int streams, boolean reverse, Duration duration) {
    this.iperf = iperf;
    this.streams = streams;
    this.reverse = reverse;
    this.duration = duration;
    String id = "tcp-" + streams + (reverse ? "-back" : "");
    String title =
        "TCP, %d stream%s%s".formatted(streams, streams == 1 ? "" : "s", reverse ? " back" : "");
    this.rate = Quantity.more(id, title, "Gbit/s");
    this.work = Quantity.less(id + "-cpu", title + ": processor time", "s per gigabyte");
    this.retransmissions =
        Quantity.less(id + "-retransmissions", title + ": retransmissions", "per gigabyte");
  }

  @Override
  public List<Quantity> quantities() {
    return List.of(rate, work, retransmissions);
  }

  @Override
  public double seconds() {
    return duration.toMillis() / 1e3 + 0.2;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    double busyBefore = ProcessorTime.busySeconds();
    Iperf.Transfer transfer = iperf.send(contestant, streams, reverse, duration);
    double busy = ProcessorTime.busySeconds() - busyBefore;
    double gigabytes = transfer.received() / 1e9;
    return Map.of(
        rate,
        transfer.gigabitsPerSecond(),
        work,
        busy / gigabytes,
        retransmissions,
        transfer.retransmissions() < 0 ? Double.NaN : transfer.retransmissions() / gigabytes);
  }
}
