// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.bench.endtoend.SampleResults;
import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.measure.Comparison;
import dev.culvert.measure.Quantity;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.CategoryChart;

/** The pictures, by the lines and texts in them. */
class ChartsTest {
  private static final Results RESULTS = SampleResults.RESULTS;
  private static final Group GROUP = RESULTS.groups().getFirst();

  /** {@code <line x1="1" y1="2" x2="3" y2="4"/>}, in whatever order, in the whiskers' colour. */
  private static final Pattern LINE = Pattern.compile("<line ([^>]*rgb\\(36,41,47\\)[^>]*)>");

  /** {@code <path d="M82.76,224.91 L192.49,224.91 ..."} in the first series' colour. */
  private static final Pattern BAR =
      Pattern.compile("<path d=\"M([0-9.]+),[0-9.]+ L([0-9.]+),[^>]*fill:rgb\\(0,114,178\\)");

  /** Screen coordinates are whole pixels, and the picture's have two decimals. */
  private static final double PIXEL = 1.01;

  private record Line(double x1, double y1, double x2, double y2) {
    static Line of(MatchResult match) {
      return new Line(
          number(match, "x1"), number(match, "y1"), number(match, "x2"), number(match, "y2"));
    }

    private static double number(MatchResult match, String name) {
      var matcher = Pattern.compile(name + "=\"([-0-9.]+)\"").matcher(match.group(1));
      assertTrue(matcher.find(), match.group());
      return Double.parseDouble(matcher.group(1));
    }

    /** From one height to another, whichever was drawn first. */
    boolean spans(double top, double bottom) {
      return x1 == x2
          && Math.abs(Math.min(y1, y2) - top) < PIXEL
          && Math.abs(Math.max(y1, y2) - bottom) < PIXEL;
    }
  }

  private record Bar(double left, double right) {
    boolean contains(double x) {
      return left < x && x < right;
    }
  }

  private static List<Line> lines(String svg) {
    return LINE.matcher(svg).results().map(Line::of).toList();
  }

  /** The parts of the horizontal axis that bars take, from left to right. */
  private static List<Bar> bars(String svg) {
    return BAR.matcher(svg)
        .results()
        .map(match ->
            new Bar(Double.parseDouble(match.group(1)), Double.parseDouble(match.group(2))))
        .toList();
  }

  private static Quantity quantity(String id) {
    return GROUP.headlines().stream().filter(q -> q.id().equals(id)).findFirst().orElseThrow();
  }

  @Test
  void eachKindOfMeasurementHasItsNameInTheTitle() {
    List<String> titles =
        Charts.ratios(RESULTS, GROUP).stream()
            .map(svg -> Pattern.compile("^<svg [^>]*aria-label=\"([^\"]*)\"").matcher(svg))
            .map(matcher -> matcher.find() ? matcher.group(1) : "no title")
            .toList();
    assertEquals(
        List.of(
            "TCP: ratio to kernel-vxlan (more is better)",
            "UDP packets: ratio to kernel-vxlan (more is better)",
            "Round trip: ratio to kernel-vxlan (less is better)",
            "iperf3's UDP packets: ratio to kernel-vxlan (more is better)",
            "sockperf's round trip: ratio to kernel-vxlan (less is better)",
            "Connections: ratio to kernel-vxlan (more is better)"),
        titles);
  }

  /** 1.89 (1.28 to 1.93): the whisker ends a little above the bar, and far below its top. */
  @Test
  void whiskersReachAsFarAsTheIntervalOnEitherSide() {
    Quantity tcp = quantity("tcp-1");
    Comparison uneven = RESULTS.toReference(GROUP, tcp, "uneven");
    assertEquals("1.89 (1.28 to 1.93) better", Grids.cell(uneven));

    CategoryChart chart = Charts.ratioChart(RESULTS, GROUP, "tcp", List.of(tcp));
    List<Line> lines = lines(Svg.of(chart));
    double top = chart.getScreenYFromChart(1.93);
    double bottom = chart.getScreenYFromChart(1.28);
    assertTrue(bottom - top > 30, top + " " + bottom);
    Line whisker = lines.stream().filter(line -> line.spans(top, bottom)).findFirst().orElseThrow();
    assertTrue(bars(Svg.of(chart)).get(2).contains(whisker.x1()), "stands in the third bar");

    double axis = chart.getScreenYFromChart(2.5);
    assertTrue(
        lines.stream().noneMatch(line -> Math.abs(Math.min(line.y1(), line.y2()) - axis) < PIXEL),
        "as far above the bar as below it");
  }

  @Test
  void noWhiskerStandsWhereNothingWasMeasured() {
    Quantity echo = quantity("echo-50");
    String svg = Svg.of(Charts.ratioChart(RESULTS, GROUP, "echo", List.of(echo)));
    List<Boolean> whiskers =
        bars(svg).stream()
            .map(bar ->
                lines(svg).stream()
                    .anyMatch(line -> line.x1() == line.x2() && bar.contains(line.x1())))
            .toList();
    assertEquals(List.of(true, false, true), whiskers); // fast, same, uneven
  }

  @Test
  void percentilesAreNamedByTheirNines() {
    assertEquals("0 %", Charts.percentile(1));
    assertEquals("90 %", Charts.percentile(10));
    assertEquals("99.9 %", Charts.percentile(1000));
    assertEquals("99.99 %", Charts.percentile(10_000));
  }
}
