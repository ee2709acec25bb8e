// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.lab.LabException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Takes turns: A B C A B C ..., one kind of measurement after the other, so that whatever else the
 * machine does hits all contestants alike.
 */
public final class Rounds {
  private final List<Contestant> contestants;
  private final List<Measurement> measurements;
  private final Samples samples;
  private final List<String> failures = new ArrayList<>();

  public Rounds(List<Contestant> contestants, List<Measurement> measurements) {
    this.contestants = List.copyOf(contestants);
    this.measurements = List.copyOf(measurements);
    this.samples = new Samples(contestants.stream().map(Contestant::id).toList());
  }

  /** One turn of each kind for each contestant, whose results nobody keeps. */
  public void warmUp(Consumer<String> now, BooleanSupplier over) {
    turns(now, over, -1);
  }

  /** One round more. A turn that fails leaves a gap and is told by {@link #failures}. */
  public void take(Consumer<String> now, BooleanSupplier over) {
    turns(now, over, samples.rounds());
  }

  private void turns(Consumer<String> now, BooleanSupplier over, int round) {
    for (Measurement measurement : measurements) {
      for (Contestant contestant : contestants) {
        if (over.getAsBoolean()) {
          throw new LabException("The lab is being taken down.");
        }
        String what = measurement.quantities().getFirst().title();
        now.accept("%s: %s".formatted(contestant.id(), what));
        turn(measurement, contestant, round, what);
      }
    }
  }

  private void turn(Measurement measurement, Contestant contestant, int round, String what) {
    try {
      Map<Quantity, Double> values = measurement.take(contestant);
      if (round >= 0) {
        measurement
            .quantities()
            .forEach(
                quantity -> samples.put(quantity, contestant.id(), round, values.get(quantity)));
      }
    } catch (LabException e) {
      failures.add("%s, %s: %s".formatted(contestant.id(), what, e.getMessage()));
      if (round >= 0) {
        measurement
            .quantities()
            .forEach(quantity -> samples.put(quantity, contestant.id(), round, Double.NaN));
      }
    }
  }

  /** How long a round takes, about. */
  public double secondsOfRound() {
    return contestants.size() * measurements.stream().mapToDouble(Measurement::seconds).sum();
  }

  public Samples samples() {
    return samples;
  }

  /** One sentence for each turn that failed. */
  public List<String> failures() {
    return List.copyOf(failures);
  }
}
