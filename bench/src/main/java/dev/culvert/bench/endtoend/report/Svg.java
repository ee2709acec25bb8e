// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.internal.chartpart.Chart;

/** A chart as an element of a page. */
final class Svg {
  private Svg() {}

  static String of(Chart<?, ?> chart) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return element(bytes.toString(StandardCharsets.UTF_8));
  }

  /** Without the prologue of a document of its own, and to a hundredth of a pixel. */
  static String element(String document) {
    int start = document.indexOf("<svg");
    if (start < 0) {
      throw new IllegalStateException("The chart library did not write SVG.");
    }
    return document.substring(start).strip().replaceAll("(\\.\\d\\d)\\d+", "$1");
  }
}
