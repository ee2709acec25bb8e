// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** {@code ./dev bench jmh [--quick] ...}: JMH, with the time that it will take said before. */
public final class JavaBenchmarks {
  private static final List<String> QUICK =
      List.of("-f", "1", "-wi", "3", "-w", "1", "-i", "3", "-r", "500ms");

  /** Of a JVM, a benchmark's setup and its end, as seen on two busy processors. */
  private static final double SECONDS_PER_FORK = 2.5;

  /** Of what is timed by itself: {@code LargeReconciliationBenchmark} on two busy processors. */
  private static final double SECONDS_PER_SHOT = 1.5;

  private JavaBenchmarks() {}

  /**
   * Runs the benchmarks.
   *
   * @param args JMH's, after {@code --quick} or not
   */
  public static void main(String[] args) throws Exception {
    List<String> words = words(args);
    CommandLineOptions options = options(words);
    if (!options.shouldHelp() && !options.shouldList() && !options.shouldListWithParams()) {
      System.out.printf("This takes about %s.%n%n", inWords(planned(options)));
    }
    org.openjdk.jmh.Main.main(words.toArray(new String[0]));
  }

  /** JMH's words, where {@code --quick} stands for fewer and shorter iterations in one fork. */
  static List<String> words(String... args) {
    List<String> words = new ArrayList<>();
    for (String word : args) {
      if (word.equals("--quick")) {
        words.addAll(QUICK);
      } else {
        words.add(word);
      }
    }
    return words;
  }

  /**
   * @throws CommandLineOptionException when JMH does not know one of the words
   */
  static CommandLineOptions options(List<String> words) throws CommandLineOptionException {
    return new CommandLineOptions(words.toArray(new String[0]));
  }

  static String inWords(Duration time) {
    return time.toSeconds() < 90
        ? time.toSeconds() + " seconds"
        : "%.0f minutes".formatted(time.toSeconds() / 60.0);
  }

  /** What the chosen benchmarks take, by their annotations and the options that overrule these. */
  static Duration planned(Options options) throws IOException {
    OutputFormat silent = OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT);
    Set<BenchmarkListEntry> chosen =
        BenchmarkList.defaultList().find(silent, options.getIncludes(), options.getExcludes());
    double seconds = chosen.stream().mapToDouble(entry -> seconds(entry, options)).sum();
    return Duration.ofMillis((long) (seconds * 1e3));
  }

  private static double seconds(BenchmarkListEntry entry, Options options) {
    int warmUps = options.getWarmupIterations().orElse(entry.getWarmupIterations().orElse(0));
    int iterations =
        options.getMeasurementIterations().orElse(entry.getMeasurementIterations().orElse(0));
    double fork = SECONDS_PER_FORK;
    if (entry.getMode() == Mode.SingleShotTime) {
      fork += (warmUps + iterations) * SECONDS_PER_SHOT;
    } else {
      fork += warmUps * seconds(options.getWarmupTime().orElse(time(entry.getWarmupTime())));
      fork +=
          iterations
              * seconds(options.getMeasurementTime().orElse(time(entry.getMeasurementTime())));
    }
    int forks = options.getForkCount().orElse(entry.getForks().orElse(1));
    return fork * Math.max(1, forks) * variants(entry, options);
  }

  private static TimeValue time(org.openjdk.jmh.util.Optional<TimeValue> annotated) {
    return annotated.orElse(TimeValue.seconds(10)); // JMH's own default.
  }

  private static double seconds(TimeValue time) {
    return time.convertTo(TimeUnit.MILLISECONDS) / 1e3;
  }

  /** How often it runs, once for each combination of its parameters' values. */
  private static int variants(BenchmarkListEntry entry, Options options) {
    int variants = 1;
    Map<String, String[]> parameters = entry.getParams().orElse(Map.of());
    for (Map.Entry<String, String[]> parameter : parameters.entrySet()) {
      variants *=
          options.getParameter(parameter.getKey()).hasValue()
              ? options.getParameter(parameter.getKey()).get().size()
              : parameter.getValue().length;
    }
    return variants;
  }
}
