// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which attachments container runtimes asked for, as empty files named after them. They outlive the
 * agent and end with the machine's run, as containers do. A file is there before the interface that
 * it stands for, and goes after it, so that an interface without one is none of a runtime's.
 *
 * <p>Those in {@code deleted} were moved there by the plugin while no agent answered.
 */
public final class Attachments {
  private final Path folder;
  private final Path living;
  private final Path deleted;

  /**
   * @param socket the agent's, beside which they lie
   */
  public Attachments(Path socket) {
    String name = socket.getFileName().toString();
    this.folder = socket.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ".cni");
    this.living = folder.resolve("attachments");
    this.deleted = folder.resolve("deleted");
  }

  /** Before the attachment is made. */
  void add(AttachmentName name) {
    try {
      for (Path each : List.of(living, deleted)) {
        Files.createDirectories(
            each,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      Path file = living.resolve(name.fileName());
      if (!Files.exists(file)) {
        Files.createFile(file);
      }
    } catch (IOException e) {
      throw failed("note the attachment " + name, e);
    }
  }

  /** After it is gone. */
  void remove(AttachmentName name) {
    try {
      Files.deleteIfExists(living.resolve(name.fileName()));
      Files.deleteIfExists(deleted.resolve(name.fileName()));
    } catch (IOException e) {
      throw failed("forget the attachment " + name, e);
    }
  }

  boolean has(AttachmentName name) {
    return Files.exists(living.resolve(name.fileName()));
  }

  /** All that are not deleted yet, whether by now or by an agent that died at it. */
  Set<AttachmentName> all() {
    return Stream.of(living, deleted)
        .flatMap(each -> list(each).stream())
        .collect(Collectors.toSet());
  }

  Set<AttachmentName> deleted() {
    return list(deleted);
  }

  /** Takes the folder away, as of a host that left the network. */
  public void removeAll() {
    try {
      for (Path each : List.of(living, deleted)) {
        try (Stream<Path> files = Files.list(each)) {
          for (Path file : files.toList()) {
            Files.deleteIfExists(file);
          }
        } catch (NoSuchFileException none) {
          continue;
        }
        Files.deleteIfExists(each);
      }
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw failed("remove the folder " + folder, e);
    }
  }

  private static Set<AttachmentName> list(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> AttachmentName.parse(file.getFileName().toString()))
          .flatMap(Optional::stream)
          .collect(Collectors.toSet());
    } catch (NoSuchFileException none) {
      return Set.of();
    } catch (IOException e) {
      throw failed("read the folder " + folder, e);
    }
  }

  private static UncheckedIOException failed(String what, IOException e) {
    return new UncheckedIOException("Cannot " + what + ": " + e + ".", e);
  }
}
