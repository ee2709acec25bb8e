// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.lab.LabException;
import dev.culvert.lab.LabPlan;
import dev.culvert.lab.LabPlan.Underlay;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SamplesTest {
  private static final Quantity RATE = Quantity.more("rate", "Rate", "per second");

  /** Counts its turns; the contestant "lame" fails each second one. */
  private static final class Counting implements Measurement {
    private final List<String> turns = new ArrayList<>();

    @Override
    public List<Quantity> quantities() {
      return List.of(RATE);
    }

    @Override
    public double seconds() {
      return 1;
    }

    @Override
    public Map<Quantity, Double> take(Contestant contestant) {
      turns.add(contestant.id());
      if (contestant.id().equals("lame") && turns.size() % 4 == 0) {
        throw new LabException("It fell.");
      }
      return Map.of(RATE, (double) turns.size());
    }
  }

  private static Contestant contestant(String id) {
    LabPlan plan = new LabPlan("culvert-", 2, 2, Underlay.ROUTED);
    return new Contestant(id, plan.containerList().getFirst(), plan.containerList().getLast());
  }

  @Test
  void contestantsTakeTurns() {
    Counting counting = new Counting();
    Rounds rounds = new Rounds(List.of(contestant("fit"), contestant("lame")), List.of(counting));
    rounds.take(_ -> {}, () -> false);
    rounds.take(_ -> {}, () -> false);
    assertEquals(List.of("fit", "lame", "fit", "lame"), counting.turns);
    assertEquals(2, rounds.secondsOfRound());
    assertArrayEquals(new double[] {1, 3}, rounds.samples().of(RATE, "fit"));
    assertArrayEquals(new double[] {2, Double.NaN}, rounds.samples().of(RATE, "lame"));
    assertArrayEquals(new double[] {2}, rounds.samples().good(RATE, "lame"));
    assertEquals(List.of("lame, Rate: It fell."), rounds.failures());
  }

  @Test
  void warmUpLeavesNothing() {
    Rounds rounds = new Rounds(List.of(contestant("fit")), List.of(new Counting()));
    rounds.warmUp(_ -> {}, () -> false);
    assertEquals(List.of(), rounds.samples().quantities());
    assertEquals(0, rounds.samples().rounds());
  }

  @Test
  void aLabThatIsTakenDownEndsTheTurns() {
    Rounds rounds = new Rounds(List.of(contestant("fit")), List.of(new Counting()));
    assertThrows(LabException.class, () -> rounds.take(_ -> {}, () -> true));
  }

  @Test
  void whatWasNeverMeasuredIsGaps() {
    Samples samples = new Samples(List.of("a", "b"));
    samples.put(RATE, "a", 2, 5);
    assertArrayEquals(new double[] {Double.NaN, Double.NaN, 5}, samples.of(RATE, "a"));
    assertArrayEquals(new double[] {Double.NaN, Double.NaN, Double.NaN}, samples.of(RATE, "b"));
  }
}
