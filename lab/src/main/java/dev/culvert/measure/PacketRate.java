// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.lab.LabException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * How many UDP datagrams a second arrive. A thread sends 64 with each system call, so it is not the
 * bottleneck: nearly all of its time is the datapath's, which veths run on the sender's processor
 * up to the receiver's socket.
 */
public final class PacketRate implements Measurement {
  private static final int PORT = 5202;
  private static final int SOURCE_PORT = 5302;

  private final int bytes;
  private final Duration duration;
  private final Quantity rate;
  private final Quantity loss;
  private final Quantity work;

  /**
   * @param bytes of payload in each datagram
   */
  public PacketRate(int bytes, Duration duration) {
    this.bytes = bytes;
    this.duration = duration;
    String id = "udp-" + bytes;
    String title = "UDP received, " + bytes + " bytes";
    this.rate = Quantity.more(id, title, "kpps");
    this.loss = Quantity.less(id + "-loss", title + ": lost", "%");
    this.work = Quantity.less(id + "-cpu", title + ": processor time", "s per million packets");
  }

  @Override
  public List<Quantity> quantities() {
    return List.of(rate, loss, work);
  }

  @Override
  public double seconds() {
    return duration.toMillis() / 1e3 + 0.1;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    CountDownLatch ready = new CountDownLatch(1);
    CountDownLatch sent = new CountDownLatch(1);
    double busyBefore = ProcessorTime.busySeconds();
    CompletableFuture<Long> received =
        Side.SERVER.start(contestant.server(), () -> receive(contestant, ready, sent));
    long sendings;
    try {
      sendings = Side.CLIENT.run(contestant.client(), () -> send(contestant, ready, received));
    } finally {
      sent.countDown();
    }
    long arrived = Side.join(received);
    double busy = ProcessorTime.busySeconds() - busyBefore;
    if (arrived == 0) {
      throw new LabException("No datagram arrived over " + contestant.id() + ".");
    }
    return Map.of(
        rate, arrived / (duration.toNanos() / 1e9) / 1e3,
        loss, Math.max(0, 100.0 * (sendings - arrived) / sendings),
        work, busy * 1e6 / arrived);
  }

  private long send(Contestant contestant, CountDownLatch ready, CompletableFuture<Long> receiver)
      throws InterruptedException {
    if (!Side.await(ready, receiver)) {
      return 0;
    }
    try (UdpSocket socket =
        new UdpSocket(contestant.client().address(), SOURCE_PORT)
            .connect(contestant.server().address(), PORT)) {
      return socket.sendUntil(System.nanoTime() + duration.toNanos(), bytes);
    }
  }

  /** Until nothing more comes after the sender has ended. */
  private static long receive(Contestant contestant, CountDownLatch ready, CountDownLatch sent) {
    long arrived = 0;
    try (UdpSocket socket = new UdpSocket(contestant.server().address(), PORT)) {
      ready.countDown();
      while (true) {
        boolean last = sent.getCount() == 0;
        int now = socket.receiveMany();
        if (now == TrafficSocket.NOTHING && last) {
          return arrived;
        }
        arrived += now;
      }
    }
  }
}
