// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Removing files. */
final class Folders {
  private Folders() {}

  /** Removes a file, or a folder with all in it; one that is not there is no error. */
  static void delete(Path path) {
    try (Stream<Path> all = Files.walk(path)) {
      List<Path> children = all.sorted(Comparator.reverseOrder()).toList();
      for (Path child : children) {
        Files.deleteIfExists(child);
      }
    } catch (NoSuchFileException gone) {
      return;
    } catch (IOException e) {
      throw new LabException("Cannot remove " + path + ": " + e.getMessage() + ".", e);
    }
  }

  /** Removes a folder unless somebody still has something in it. */
  static void deleteIfEmpty(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (DirectoryNotEmptyException inUse) {
      return;
    } catch (IOException e) {
      throw new LabException("Cannot remove " + path + ": " + e.getMessage() + ".", e);
    }
  }
}
