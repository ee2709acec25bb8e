// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.Spread;
import dev.culvert.bench.endtoend.result.Group;
import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.bench.endtoend.result.ScalingCurve;
import dev.culvert.measure.Comparison;
import dev.culvert.measure.Quantity;
import dev.culvert.measure.Statistics;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.knowm.xchart.AnnotationLine;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The pictures of a report, drawn by XChart as SVG. */
final class Charts {
  private static final int WIDTH = 920;
  private static final int BARS_WIDTH = 560;
  private static final int BARS_HEIGHT = 320;
  private static final int LINES_HEIGHT = 400;

  /** More names than this do not fit side by side below the bars. */
  private static final int MANY = 4;

  private static final int SLANT_DEGREES = 30;

  /** So that the line at 1, or the longest whisker, is not at the very edge. */
  private static final double ROOM_ABOVE = 1.1;

  private static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 14);
  private static final Color GRID = new Color(0xe3e6ea);
  private static final Color TEXT = new Color(0x24292f);

  /** Okabe and Ito's colours, which the colour-blind can tell apart; black for what is left. */
  private static final Color[] COLOURS = {
    new Color(0x0072b2), new Color(0xe69f00), new Color(0x009e73), new Color(0xcc79a7),
    new Color(0xd55e00), new Color(0x56b4e9), new Color(0x8a8f98), new Color(0x24292f),
    new Color(0xb8a800), new Color(0x7a4fb5), new Color(0x5d4037),
  };

  /** Quantities that are drawn together, by the first part of their id. */
  private static final Map<String, String> FAMILIES =
      Map.of(
          "tcp", "TCP",
          "udp", "UDP packets",
          "echo", "Round trip",
          "iperf", "iperf3's UDP packets",
          "sockperf", "sockperf's round trip",
          "connections", "Connections");

  /** From here to there: half of all, 90 %, 99 % ... of the round trips. */
  private static final double[] PERCENTILES = {
    1, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.3, 99.5, 99.7, 99.8,
    99.9, 99.95, 99.97, 99.98, 99.99,
  };

  private Charts() {}

  /** Ratios to the reference, a chart for each family of quantities ("tcp", "udp", ...). */
  static List<String> ratios(Results results, Group group) {
    Map<String, List<Quantity>> families = new LinkedHashMap<>();
    for (Quantity quantity : group.headlines()) {
      families
          .computeIfAbsent(quantity.id().replaceFirst("-.*", ""), _ -> new ArrayList<>())
          .add(quantity);
    }
    return families.entrySet().stream()
        .map(family -> ratios(results, group, family.getKey(), family.getValue()))
        .toList();
  }

  private static String ratios(Results results, Group group, String id, List<Quantity> family) {
    return Svg.of(ratioChart(results, group, id, family));
  }

  /** A bar for each quantity of each contestant but the reference, with its interval. */
  static CategoryChart ratioChart(Results results, Group group, String id, List<Quantity> family) {
    List<String> ids =
        group.samples().contestants().stream()
            .filter(contestant -> !contestant.equals(results.reference()))
            .toList();
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(BARS_WIDTH)
            .height(BARS_HEIGHT)
            .title(title(results, id, family.getFirst()))
            .build();
    styleBars(chart.getStyler(), family.size(), ids.size());
    double highest = 1;
    List<Whiskers.Whisker> intervals = new ArrayList<>();
    for (int series = 0; series < family.size(); series++) {
      Quantity quantity = family.get(series);
      List<Double> values = new ArrayList<>();
      for (int category = 0; category < ids.size(); category++) {
        Comparison comparison = results.toReference(group, quantity, ids.get(category));
        values.add(comparison.rounds() == 0 ? 0 : comparison.ratio());
        double x = Whiskers.OverBars.middle(category, ids.size(), series, family.size());
        Statistics.Interval interval = comparison.interval();
        intervals.add(new Whiskers.Whisker(x, interval.low(), interval.high()));
        highest = Math.max(highest, comparison.rounds() == 0 ? 0 : interval.high());
      }
      chart.addSeries(quantity.title().replaceFirst("^[^,]*, ", ""), ids, values);
    }
    chart.getStyler().setYAxisMax(highest * ROOM_ABOVE);
    chart.addAnnotation(new AnnotationLine(1, false, false));
    chart.addAnnotation(new Whiskers.OverBars(TEXT, intervals));
    return chart;
  }

  private static String title(Results results, String id, Quantity first) {
    return "%s: ratio to %s (%s is better)"
        .formatted(
            FAMILIES.getOrDefault(id, first.title()),
            results.reference(),
            first.moreIsBetter() ? "more" : "less");
  }

  private static void styleBars(CategoryStyler styler, int quantities, int contestants) {
    style(styler);
    styler.setAvailableSpaceFill(Whiskers.BAR_FILL).setLabelsVisible(false);
    styler.setYAxisMin(0.0);
    styler.setLegendVisible(quantities > 1);
    styler.setXAxisLabelRotation(contestants > MANY ? SLANT_DEGREES : 0);
    styler.setLegendPosition(Styler.LegendPosition.OutsideE);
    styler.setLegendLayout(Styler.LegendLayout.Vertical);
    styler.setPlotGridVerticalLinesVisible(false);
  }

  /** Within what time how many of the round trips are, all rounds together. */
  static String percentiles(Group group) {
    XYChart chart = lines("round trip by percentile", "percentile", "us");
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setYAxisTickLabelsFormattingFunction(us -> "%,.0f".formatted(us));
    chart.getStyler().setXAxisTickLabelsFormattingFunction(Charts::percentile);
    group
        .roundTripsNs()
        .forEach((id, histogram) ->
            add(chart, id, rarities(), values(histogram)).setMarker(SeriesMarkers.NONE));
    return Svg.of(chart);
  }

  /** 10 for the 90th percentile, 100 for the 99th: each nine more is as far as the one before. */
  private static double[] rarities() {
    double[] rarities = new double[PERCENTILES.length];
    for (int i = 0; i < rarities.length; i++) {
      rarities[i] = 100 / (100 - PERCENTILES[i]);
    }
    return rarities;
  }

  /** The way back: 1 is "0 %", 10 is "90 %". */
  static String percentile(double rarity) {
    return BigDecimal.valueOf(100 - 100 / rarity)
            .setScale(3, RoundingMode.HALF_UP)
            .stripTrailingZeros()
            .toPlainString()
        + " %";
  }

  private static double[] values(Histogram histogram) {
    double[] us = new double[PERCENTILES.length];
    for (int i = 0; i < us.length; i++) {
      us[i] = histogram.getValueAtPercentile(PERCENTILES[i]) / 1e3;
    }
    return us;
  }

  /** Medians as something grows, with the quartiles as whiskers. */
  static String scaling(ScalingCurve curve) {
    XYChart chart = lines(curve.title(), curve.axis(), curve.quantity().unit());
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisMin(0.0);
    chart.getStyler().setXAxisTickLabelsFormattingFunction(x -> "%.0f".formatted(x));
    int number = 0;
    for (String id : curve.points().values().iterator().next().contestants()) {
      double[] sizes = curve.points().keySet().stream().mapToDouble(Integer::doubleValue).toArray();
      add(chart, id, sizes, medians(curve, id)).setMarker(SeriesMarkers.CIRCLE);
      chart.addAnnotation(new Whiskers(COLOURS[number++ % COLOURS.length], quartiles(curve, id)));
    }
    return Svg.of(chart);
  }

  private static double[] medians(ScalingCurve curve, String id) {
    return curve.points().values().stream()
        .map(samples -> samples.good(curve.quantity(), id))
        .mapToDouble(good -> good.length == 0 ? Double.NaN : Statistics.median(good))
        .toArray();
  }

  private static List<Whiskers.Whisker> quartiles(ScalingCurve curve, String id) {
    List<Whiskers.Whisker> quartiles = new ArrayList<>();
    curve
        .points()
        .forEach((size, samples) -> {
          double[] good = samples.good(curve.quantity(), id);
          if (good.length > 0) {
            Spread spread = Spread.of(good);
            quartiles.add(new Whiskers.Whisker(size, spread.low(), spread.high()));
          }
        });
    return quartiles;
  }

  private static XYChart lines(String title, String xAxis, String yAxis) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(LINES_HEIGHT)
            .title(title)
            .xAxisTitle(xAxis)
            .yAxisTitle(yAxis)
            .build();
    style(chart.getStyler());
    return chart;
  }

  private static XYSeries add(XYChart chart, String id, double[] x, double[] y) {
    XYSeries series = chart.addSeries(id, x, y);
    series.setLineStyle(new BasicStroke(2f));
    return series;
  }

  private static void style(AxesChartStyler styler) {
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setChartTitleFont(TITLE);
    styler.setChartTitleBoxVisible(false);
    styler.setChartFontColor(TEXT);
    styler.setAxisTickLabelsFont(SMALL);
    styler.setAxisTitleFont(SMALL);
    styler.setLegendFont(SMALL);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setLegendPosition(Styler.LegendPosition.OutsideS);
    styler.setLegendLayout(Styler.LegendLayout.Horizontal);
    styler.setSeriesColors(COLOURS);
  }
}
