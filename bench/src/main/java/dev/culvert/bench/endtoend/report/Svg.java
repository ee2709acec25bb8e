// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import de.erichseifert.vectorgraphics2d.Processors;
import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.knowm.xchart.internal.chartpart.Chart;

/** A chart as an element of a page. */
final class Svg {
  private Svg() {}

  static String of(Chart<?, ?> chart) {
    VectorGraphics2D canvas = new VectorGraphics2D();
    chart.paint(canvas, chart.getWidth(), chart.getHeight());
    PageSize page = new PageSize(0, 0, chart.getWidth(), chart.getHeight());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      Processors.get("svg").getDocument(canvas.getCommands(), page).writeTo(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return element(bytes.toString(StandardCharsets.UTF_8), chart.getTitle());
  }

  /**
   * Without the prologue of a document of its own, and to a hundredth of a pixel. All letters in it
   * are outlines, so the title is there once more as text, for who cannot see it.
   */
  static String element(String document, String title) {
    int start = document.indexOf("<svg");
    if (start < 0) {
      throw new IllegalStateException("The chart library did not write SVG.");
    }
    String named = "<svg role=\"img\" aria-label=\"" + Html.escape(title) + "\"";
    return named
        + document.substring(start + "<svg".length()).strip().replaceAll("(\\.\\d\\d)\\d+", "$1");
  }
}
