// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * What takes the place of a pin, or of a link that holds a text: it is made beside it, and renamed
 * over it, so that there is the old or the new at each moment, also after a crash in between.
 *
 * @param place of the old one, which need not be there
 */
public record Successor(Path place) {
  /** Makes something at a path where nothing is. */
  @FunctionalInterface
  public interface Maker {
    /** Of whatever kind. */
    void makeAt(Path path) throws IOException;
  }

  /** Where it is made. What lies there otherwise was left by a process that died in the middle. */
  public Path beside() {
    return place.resolveSibling(place.getFileName() + "_new");
  }

  /** Makes it, beside the old one. */
  public void make(Maker maker) throws IOException {
    Files.deleteIfExists(beside());
    maker.makeAt(beside());
  }

  /** It takes the old one's place; a rename within one folder does not fail for want of room. */
  public void takeOver() throws IOException {
    Files.move(
        beside(), place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
