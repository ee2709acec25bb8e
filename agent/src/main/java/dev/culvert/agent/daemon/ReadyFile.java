// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import dev.culvert.agent.UserException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/** A file that is there while the agent is ready, for scripts; or none. */
final class ReadyFile implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.culvert.agent");

  private final Optional<Path> file;

  ReadyFile(Optional<Path> file) {
    this.file = file;
  }

  /** Who waits for the file finds all of it, or none. */
  void write(String line) {
    if (file.isEmpty()) {
      return;
    }
    Path unnamed = file.get().resolveSibling(file.get().getFileName() + ".new");
    try {
      Files.writeString(unnamed, line + "\n");
      Files.move(unnamed, file.get(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      delete(unnamed);
      throw new UserException(
          "Cannot write the ready file " + file.get() + ": " + e.getMessage() + ".", e);
    }
  }

  @Override
  public void close() {
    file.ifPresent(ReadyFile::delete);
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "Cannot remove the ready file {0}: {1}", file, e);
    }
  }
}
