// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.report;

import dev.culvert.bench.endtoend.result.Results;
import dev.culvert.lab.LabException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.time.ZoneOffset;

/** Pages of figures that are kept, one for each run, named by its day. */
public final class ResultsPages {
  private ResultsPages() {}

  /**
   * Adds the tables of a run as {@code DATE.md} (UTC). A page that is there already, another run's
   * or written by hand, stays as it is: the next is {@code DATE-2.md}, and so on.
   *
   * @param folder is made when it is missing
   * @return the page
   * @throws LabException when it cannot be written
   */
  public static Path add(Results results, Path folder) {
    LocalDate day = results.begun().atZone(ZoneOffset.UTC).toLocalDate();
    String page = MarkdownReport.render(results);
    try {
      Files.createDirectories(folder);
      int number = 1;
      while (true) {
        Path file = folder.resolve(day + (number == 1 ? "" : "-" + number) + ".md");
        try {
          return Files.writeString(file, page, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
          number++;
        }
      }
    } catch (IOException e) {
      throw new LabException("Cannot write a page into " + folder + ": " + e.getMessage(), e);
    }
  }
}
