// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.lab.LabException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Round trips of ICMP echo, one after the other, in nanoseconds. The other end's kernel answers,
 * and the asker looks for the answer instead of sleeping: no wake-up of a process is in the
 * figures, which on virtual machines costs several times the whole way there and back.
 */
public final class Echo implements Measurement {
  private static final long LOST_NS = 100_000_000;
  private static final long WARM_UP_NS = 30_000_000;

  /** On a busy machine no process of the way may get its turn in a short measurement. */
  private static final long PATIENCE_NS = 5_000_000_000L;

  private static final int MAX_SAMPLES = 1 << 20;

  private static final Percentiles PERCENTILES = new Percentiles("echo", "round trip");

  private final Duration duration;
  private final BiConsumer<Contestant, long[]> keeper;

  /**
   * @param keeper is given each turn's round trips, in nanoseconds, in no order
   */
  public Echo(Duration duration, BiConsumer<Contestant, long[]> keeper) {
    this.duration = duration;
    this.keeper = keeper;
  }

  @Override
  public List<Quantity> quantities() {
    return PERCENTILES.quantities();
  }

  @Override
  public double seconds() {
    return (duration.toNanos() + WARM_UP_NS) / 1e9 + 0.02;
  }

  @Override
  public Map<Quantity, Double> take(Contestant contestant) {
    long[] tripsNs = Side.CLIENT.run(contestant.client(), () -> ask(contestant.server().address()));
    if (tripsNs.length == 0) {
      throw new LabException("No echo came over " + contestant.id() + ".");
    }
    keeper.accept(contestant, tripsNs);
    double[] us = Arrays.stream(tripsNs).mapToDouble(ns -> ns / 1e3).toArray();
    return PERCENTILES.values(percent -> Statistics.quantile(us, percent / 100));
  }

  /**
   * What is lost is given up after a while and does not count; until the first answer the end is
   * put off.
   */
  private long[] ask(String server) {
    long[] tripsNs = new long[MAX_SAMPLES];
    int count = 0;
    try (EchoSocket socket = new EchoSocket(server)) {
      long beginNs = System.nanoTime() + WARM_UP_NS;
      long endNs = beginNs + duration.toNanos();
      long askedNs = System.nanoTime();
      long lastNs = endNs + PATIENCE_NS;
      for (short sequence = 0;
          askedNs < (count == 0 ? lastNs : endNs) && count < MAX_SAMPLES;
          sequence++) {
        socket.ask(sequence);
        long tripNs = await(socket, sequence, askedNs);
        if (tripNs < LOST_NS && askedNs >= beginNs) {
          tripsNs[count++] = tripNs;
        }
        askedNs = System.nanoTime();
      }
    }
    return Arrays.copyOf(tripsNs, count);
  }

  private static long await(EchoSocket socket, short sequence, long askedNs) {
    while (true) {
      boolean answered = socket.answered(sequence);
      long tripNs = System.nanoTime() - askedNs;
      if (answered || tripNs >= LOST_NS) {
        return answered ? tripNs : LOST_NS;
      }
    }
  }
}
