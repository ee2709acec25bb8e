// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.bench.endtoend.SampleResults;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportsTest {
  @TempDir private Path folder;

  private String written(String name) throws IOException {
    var _ = Reports.write(SampleResults.RESULTS, folder);
    return Files.readString(folder.resolve(name));
  }

  @Test
  void allFilesAreWrittenAndNamed() {
    List<Path> files = Reports.write(SampleResults.RESULTS, folder.resolve("new"));
    assertEquals(
        List.of("report.html", "report.md", "results.csv", "results.json"),
        files.stream().map(file -> file.getFileName().toString()).toList());
    files.forEach(file -> assertTrue(Files.exists(file), file.toString()));
  }

  /** No script, no other file: addresses are only those of XML name spaces. */
  @Test
  void thePageNeedsNothingElse() throws IOException {
    String page = written("report.html");
    assertFalse(page.contains("<script"));
    assertFalse(page.contains("<link"));
    assertFalse(page.contains("<img"));
    List<String> addresses =
        Pattern.compile("https?://[^\"' <]*")
            .matcher(page)
            .results()
            .map(MatchResult::group)
            .distinct()
            .sorted()
            .toList();
    assertEquals(List.of("http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"), addresses);
    // Bars of six families, percentiles, one curve.
    assertEquals(8, Pattern.compile("<svg").matcher(page).results().count());
    assertTrue(page.contains("not on this kernel: Error: Unknown device &lt;type&gt;."), page);
  }

  @Test
  void theTablesSayWhatTheFiguresAllow() throws IOException {
    String text = written("report.md");
    assertTrue(text.contains("| ratio to kernel-vxlan | fast | same | uneven |"), text);
    assertTrue(
        text.contains(
            "| TCP, 1 stream | 2.00 (2.00 to 2.00) better | 1.00 (1.00 to 1.00) no winner |"
                + " 1.89 (1.28 to 1.93) better |"),
        text);
    assertTrue(
        text.contains(
            "| round trip, half of them within (less is better) | 0.50 (0.50 to 0.50) better |"
                + " no data | 1.89 (1.28 to 1.93) worse |"),
        text);
    assertTrue(
        text.contains("| TCP, 1 stream | Gbit/s | 10.0 (0 %) | 20.0 (0 %) | 10.0 (0 %) | 18.9"));
    assertTrue(text.contains("| 100 | 890 (22 %) |"), text);
    assertTrue(text.contains("- wire: same fell."), text);
  }

  @Test
  void everyValueIsInTheCsv() throws IOException {
    List<String> lines = written("results.csv").lines().toList();
    assertEquals("group,size,quantity,unit,contestant,round,value", lines.getFirst());
    assertTrue(lines.contains("wire,,tcp-1,Gbit/s,fast,3,20.0"));
    assertTrue(lines.contains("wire,,echo-50,us,same,1,"));
    assertTrue(lines.contains("scaling-subnets,100,udp-64,kpps,fast,1,900.0"));
    // Thirteen quantities of four contestants in seven rounds; a size with one value, and one of 3.
    assertEquals(1 + 13 * 4 * 7 + 1 + 3, lines.size());
  }

  @Test
  void theJsonIsJson() throws IOException {
    Map<String, Object> json = Json.parseObject(written("results.json"));
    assertEquals("kernel-vxlan", json.get("reference"));
    Map<?, ?> group = (Map<?, ?>) ((List<?>) json.get("groups")).getFirst();
    Map<?, ?> ratios = (Map<?, ?>) ((Map<?, ?>) group.get("ratios")).get("tcp-1");
    assertEquals("better", ((Map<?, ?>) ratios.get("fast")).get("conclusion"));
    Map<?, ?> trips = (Map<?, ?>) ((Map<?, ?>) group.get("ratios")).get("echo-50");
    assertNull(((Map<?, ?>) trips.get("same")).get("ratio"));
  }

  @Test
  void numbersHaveThreeDigitsThatCount() {
    assertEquals("0", Grids.number(0));
    assertEquals("0.012", Grids.number(0.0123));
    assertEquals("1.23", Grids.number(1.234));
    assertEquals("12.3", Grids.number(12.34));
    assertEquals("1234", Grids.number(1234.4));
  }
}
