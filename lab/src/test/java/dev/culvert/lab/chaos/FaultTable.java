// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What each fault did, over all of its rounds. */
final class FaultTable {
  /**
   * One round of a fault.
   *
   * @param lived packets on paths whose two hosts carried on
   * @param right after the fault's end, until all tables were; empty where they never were
   * @param said by {@code status}, in the order in which it came
   */
  record Round(Traffic.Loss lived, Optional<Duration> right, List<String> said) {}

  private final Map<Fault, List<Round>> rounds = new EnumMap<>(Fault.class);

  void add(Fault fault, Round round) {
    rounds.computeIfAbsent(fault, _ -> new ArrayList<>()).add(round);
  }

  int count() {
    return rounds.values().stream().mapToInt(List::size).sum();
  }

  Traffic.Loss lived() {
    return lived(rounds.values().stream().flatMap(List::stream).toList());
  }

  private static Traffic.Loss lived(Collection<Round> of) {
    return of.stream().map(Round::lived).reduce(new Traffic.Loss(0, 0), Traffic.Loss::plus);
  }

  /** In Markdown. */
  String text() {
    StringBuilder text =
        new StringBuilder(
            "| fault | times | packets lost, of sent | until all tables are right: median, longest"
                + " | what `culvert status` said |\n|---|---|---|---|---|\n");
    rounds.forEach((fault, all) -> text.append(line(fault, all)));
    return text.toString();
  }

  private static String line(Fault fault, List<Round> all) {
    Traffic.Loss lived = lived(all);
    List<Duration> right =
        all.stream().map(Round::right).flatMap(Optional::stream).sorted().toList();
    String times =
        right.size() < all.size()
            ? "never in " + (all.size() - right.size())
            : seconds(right.get(right.size() / 2)) + ", " + seconds(right.getLast());
    String said =
        all.stream()
            .flatMap(round -> round.said().stream())
            .max(Comparator.comparingInt(sentence -> frequency(all, sentence)))
            .map(FaultTable::cell)
            .orElse("nothing");
    return "| %s | %d | %d of %d | %s | %s |\n"
        .formatted(fault.words, all.size(), lived.lost(), lived.sent(), times, said);
  }

  private static int frequency(List<Round> all, String sentence) {
    return (int)
        all.stream()
            .filter(round -> !round.said().isEmpty() && round.said().getFirst().equals(sentence))
            .count();
  }

  /**
   * Without what is another one each time: times, and what the names of a run's hosts begin with.
   */
  private static String cell(String sentence) {
    return sentence
        .replaceAll("\\d{4}-\\d{2}-\\d{2}T[0-9:.]+Z", "...")
        .replaceAll("cv-ch\\d+-[ab]", "")
        .replace("|", "\\|");
  }

  private static String seconds(Duration time) {
    return "%.1f s".formatted(time.toMillis() / 1000.0);
  }
}
