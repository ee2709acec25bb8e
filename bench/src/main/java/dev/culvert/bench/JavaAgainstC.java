// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.bench.ResultTable.Row;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The same map calls from Java and from C, in one run and in turns: a round in Java, a round in C
 * (a process that waits for its turn), and so on. {@code JavaAgainstC PROGRAM}, as {@code ./dev
 * bench jmh} has compiled it from bench/src/main/c/map_calls.c.
 */
public final class JavaAgainstC {
  private static final int WARM_UP_ROUNDS = 300; // enough for C2
  private static final int ROUNDS = 25;

  private static final Map<String, java.util.function.Consumer<MapCalls>> CALLS =
      new LinkedHashMap<>();

  static {
    CALLS.put("lookup", MapCalls::lookup);
    CALLS.put("update", MapCalls::update);
    CALLS.put("batch", MapCalls::batch);
    CALLS.put("delete", MapCalls::delete);
  }

  private JavaAgainstC() {}

  /** The C program: reads "TYPE CALL", makes the calls, answers with the ns that they took. */
  private static final class Other implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter questions;

    Other(String program) throws IOException {
      process = new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      answers = process.inputReader(StandardCharsets.US_ASCII);
      questions = process.outputWriter(StandardCharsets.US_ASCII);
    }

    double ns(MapCalls.Type type, String call) {
      try {
        questions.write(type.name().toLowerCase(Locale.ROOT) + " " + call + "\n");
        questions.flush();
        return Double.parseDouble(answers.readLine());
      } catch (IOException e) {
        throw new IllegalStateException("The program in C ended early.", e);
      }
    }

    @Override
    public void close() throws IOException {
      questions.close();
      process.destroy();
    }
  }

  /**
   * Prints the table.
   *
   * @param args the program in C
   */
  public static void main(String[] args) throws IOException {
    System.out.printf("Calls of bpf(2) on %s; %d rounds in turns.%n%n", Machine.describe(), ROUNDS);
    Map<MapCalls.Type, MapCalls> maps = new EnumMap<>(MapCalls.Type.class);
    try (Other other = new Other(args[0])) {
      List<Row> rows = new ArrayList<>();
      for (MapCalls.Type type : MapCalls.Type.values()) {
        maps.put(type, new MapCalls(type));
        for (String call : CALLS.keySet()) {
          if (type.canDelete() || !call.equals("delete")) {
            rows.add(compare(other, type, call, maps.get(type)));
          }
        }
      }
      System.out.println(
          new ResultTable(
                  "One entry, ns: median [quartiles]",
                  List.of("map", "call"),
                  List.of("Java", "C", "Java / C"),
                  rows)
              .text());
    } finally {
      maps.values().forEach(MapCalls::close);
    }
  }

  private static Row compare(Other other, MapCalls.Type type, String call, MapCalls ours) {
    for (int i = 0; i < WARM_UP_ROUNDS; i++) {
      javaNs(call, ours);
    }
    double[] java = new double[ROUNDS];
    double[] c = new double[ROUNDS];
    double[] ratio = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      java[round] = javaNs(call, ours) / MapCalls.ENTRIES;
      c[round] = other.ns(type, call) / MapCalls.ENTRIES;
      ratio[round] = java[round] / c[round];
    }
    return new Row(
        List.of(type.name().toLowerCase(Locale.ROOT), call),
        List.of(
            Optional.of(Spread.of(java)),
            Optional.of(Spread.of(c)),
            Optional.of(Spread.of(ratio))));
  }

  private static double javaNs(String call, MapCalls ours) {
    long started = System.nanoTime();
    CALLS.get(call).accept(ours);
    long ended = System.nanoTime();
    if (call.equals("delete")) {
      ours.batch(); // so that there is something to delete next time
    }
    return ended - started;
  }
}
