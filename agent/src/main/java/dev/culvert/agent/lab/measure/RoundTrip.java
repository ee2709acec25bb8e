// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab.measure;

import dev.culvert.agent.lab.LabException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;

/**
 * Round trips of one small datagram that goes forth and back between two processes. Both look for
 * it again and again instead of sleeping, so no wake-up of the scheduler is in the figures: on
 * virtual machines it would be the larger part by far. On a machine with one processor they sleep.
 */
public final class RoundTrip implements Measurement {
  private static final int PORT = 5203;
  private static final int SOURCE_PORT = 5303;
  private static final int PAYLOAD_BYTES = 16;
  private static final long LOST_NS = 100_000_000;
  private static final long WARM_UP_NS = 50_000_000;
  private static final int MAX_SAMPLES = 1 << 20;

  private static final Quantity MEDIAN =
      Quantity.less("rtt-50", "UDP round trip, half of them within", "us");
  private static final Quantity P99 = Quantity.less("rtt-99", "UDP round trip, 99 % within", "us");
  private static final Quantity P999 =
      Quantity.less("rtt-99.9", "UDP round trip, 99.9 % within", "us");

  private final Duration duration;
  private final BiConsumer<Contestant, long[]> keeper;

  /**
   * @param keeper is given each turn's round trips, in nanoseconds, in no order
   */
  public RoundTrip(Duration duration, BiConsumer<Contestant, long[]> keeper) {
    this.duration = duration;
    this.keeper = keeper;
  }

  @Override
  public List<Quantity> quantities() {
    return List.of(MEDIAN, P99, P999);
  }

  @Override
  public double seconds() {
    return (duration.toNanos() + WARM_UP_NS) / 1e9 + 0.05;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    AtomicBoolean over = new AtomicBoolean();
    CountDownLatch ready = new CountDownLatch(1);
    CompletableFuture<Integer> echo =
        Side.SERVER.start(contestant.server(), () -> echo(contestant, ready, over));
    long[] tripsNs;
    try {
      tripsNs =
          Side.CLIENT.run(
              contestant.client(), () -> Side.await(ready, echo) ? ask(contestant) : new long[0]);
    } finally {
      over.set(true);
    }
    int answered = Side.join(echo);
    if (tripsNs.length == 0) {
      throw new LabException(
          "No answer came over %s (%d were sent).".formatted(contestant.id(), answered));
    }
    keeper.accept(contestant, tripsNs);
    double[] us = Arrays.stream(tripsNs).mapToDouble(ns -> ns / 1e3).toArray();
    return Map.of(
        MEDIAN, Statistics.median(us),
        P99, Statistics.quantile(us, 0.99),
        P999, Statistics.quantile(us, 0.999));
  }

  private static int echo(Contestant contestant, CountDownLatch ready, AtomicBoolean over) {
    int answered = 0;
    try (UdpSocket socket =
        new UdpSocket(contestant.server().address(), PORT, Side.apart())
            .connect(contestant.client().address(), SOURCE_PORT)) {
      ready.countDown();
      while (!over.get()) {
        if (socket.receive() != UdpSocket.NOTHING) {
          answered += socket.send(PAYLOAD_BYTES) == UdpSocket.NOTHING ? 0 : 1;
        }
      }
    }
    return answered;
  }

  /** What is lost is asked again after a while and does not count. */
  private long[] ask(Contestant contestant) {
    long[] tripsNs = new long[MAX_SAMPLES];
    int count = 0;
    try (UdpSocket socket =
        new UdpSocket(contestant.client().address(), SOURCE_PORT, Side.apart())
            .connect(contestant.server().address(), PORT)) {
      long beginNs = System.nanoTime() + WARM_UP_NS;
      long endNs = beginNs + duration.toNanos();
      long askedNs = System.nanoTime();
      while (askedNs < endNs && count < MAX_SAMPLES) {
        var _ = socket.send(PAYLOAD_BYTES);
        long answeredNs = await(socket, askedNs + LOST_NS);
        if (answeredNs == askedNs + LOST_NS) {
          forgetLateAnswers(socket);
        } else if (askedNs >= beginNs) {
          tripsNs[count++] = answeredNs - askedNs;
        }
        askedNs = System.nanoTime();
      }
    }
    return Arrays.copyOf(tripsNs, count);
  }

  private static void forgetLateAnswers(UdpSocket socket) {
    int late = socket.receive();
    while (late != UdpSocket.NOTHING) {
      late = socket.receive();
    }
  }

  private static long await(UdpSocket socket, long deadlineNs) {
    while (true) {
      boolean answered = socket.receive() != UdpSocket.NOTHING;
      long nowNs = System.nanoTime();
      if (answered || nowNs >= deadlineNs) {
        return Math.min(nowNs, deadlineNs);
      }
    }
  }
}
