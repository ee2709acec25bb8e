// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Line2D;
import java.util.List;
import org.knowm.xchart.internal.chartpart.Annotation;

/**
 * Intervals drawn over a chart, each from its lower to its upper end. The error bars of XChart are
 * as long above the value as below, which an interval seldom is.
 */
class Whiskers extends Annotation {
  /** The part of a category's width that its bars take. */
  static final double BAR_FILL = 0.7;

  private static final double HALF_CAP_PX = 4;
  private static final BasicStroke STROKE = new BasicStroke(1f);

  /**
   * One interval.
   *
   * @param x where it stands on the horizontal axis
   * @param low its ends, in the unit of the vertical axis; without finite ones nothing is drawn
   */
  record Whisker(double x, double low, double high) {}

  private final Color colour;
  private final List<Whisker> whiskers;

  Whiskers(Color colour, List<Whisker> whiskers) {
    super(false);
    this.colour = colour;
    this.whiskers = whiskers;
  }

  @Override
  public void paint(Graphics2D canvas) {
    canvas.setColor(colour);
    canvas.setStroke(STROKE);
    for (Whisker whisker : whiskers) {
      if (Double.isFinite(whisker.low()) && Double.isFinite(whisker.high())) {
        draw(canvas, xPx(whisker.x()), yPx(whisker.low()), yPx(whisker.high()));
      }
    }
  }

  private static void draw(Graphics2D canvas, double x, double low, double high) {
    canvas.draw(new Line2D.Double(x, low, x, high));
    canvas.draw(new Line2D.Double(x - HALF_CAP_PX, low, x + HALF_CAP_PX, low));
    canvas.draw(new Line2D.Double(x - HALF_CAP_PX, high, x + HALF_CAP_PX, high));
  }

  /** Where a value of the horizontal axis is on the picture. */
  double xPx(double x) {
    return chart.getScreenXFromChart(x);
  }

  private double yPx(double y) {
    return chart.getScreenYFromChart(y);
  }

  /**
   * Over a bar chart, whose horizontal axis has no numbers: x goes from 0, where the first category
   * begins, to 1, where the last one ends.
   */
  static final class OverBars extends Whiskers {
    OverBars(Color colour, List<Whisker> whiskers) {
      super(colour, whiskers);
    }

    /** The middle of a bar, among all that stand side by side. */
    static double middle(int category, int categories, int series, int allSeries) {
      double inCategory = (1 - BAR_FILL) / 2 + BAR_FILL * (series + 0.5) / allSeries;
      return (category + inCategory) / categories;
    }

    @Override
    double xPx(double x) {
      int left = getXAxisScreenValueForMin();
      int width = getXAxisScreenValueForMax() - left;
      double used = width * styler.getPlotContentSize();
      return left + (width - used) / 2 + x * used;
    }
  }
}
