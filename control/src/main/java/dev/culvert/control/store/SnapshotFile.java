// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseMemory;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.datapath.Vtep;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A {@link LeaseMemory} in a file of this host's own disk: the time of writing, the network as
 * {@link NetworkText} has it, and the leases as {@link LeaseText} has them, with blank lines
 * between. Written aside, flushed, and put in place whole.
 */
public final class SnapshotFile implements LeaseMemory {
  private static final System.Logger LOG = System.getLogger(SnapshotFile.class.getName());
  private static final String WRITTEN = "written = ";
  private static final String NETWORK = "# What hosts agreed on.\n";

  private final Path file;

  /**
   * Touches no file.
   *
   * @param file on a disk that outlives a reboot; its directory is made where it is missing
   */
  public SnapshotFile(Path file) {
    this.file = Objects.requireNonNull(file, "file").toAbsolutePath();
  }

  @Override
  public Optional<Remembered> recall() {
    try {
      List<String> parts = List.of(Files.readString(file).split("\n\n", -1));
      int written = parts.getFirst().indexOf(WRITTEN);
      if (written < 0) {
        throw new MalformedException("line 1: it does not say when it was written.");
      }
      Instant at = Instant.parse(parts.getFirst().substring(written + WRITTEN.length()).strip());
      List<Lease> leases = new ArrayList<>();
      Optional<NetworkSettings> network = Optional.empty();
      for (String part : parts.subList(1, parts.size())) {
        if (part.startsWith(NETWORK)) {
          network = Optional.of(NetworkText.parse(part));
        } else {
          leases.add(LeaseText.parse(part, Vtep.VXLAN_PORT));
        }
      }
      return Optional.of(new Remembered(at, leases, network));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | MalformedException | DateTimeException e) {
      LOG.log(Level.WARNING, "The snapshot " + file + " makes no sense and is passed over: " + e);
      return Optional.empty();
    }
  }

  @Override
  public void remember(Remembered remembered) {
    Objects.requireNonNull(remembered, "remembered");
    StringBuilder text =
        new StringBuilder("# Written by Culvert, for a reboot while the store is away.\n")
            .append(WRITTEN)
            .append(remembered.written())
            .append('\n');
    remembered
        .network()
        .ifPresent(
            network -> text.append('\n').append(NETWORK).append(NetworkText.format(network)));
    remembered.leases().forEach(lease -> text.append('\n').append(LeaseText.format(lease)));
    Path aside = file.resolveSibling("." + file.getFileName() + ".tmp");
    try {
      Files.createDirectories(file.getParent());
      DurableFile.write(
          aside,
          text.toString(),
          StandardOpenOption.CREATE,
          StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING);
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new LeaseStoreException("The snapshot " + file + " cannot be written: " + e + ".", e);
    }
  }

  @Override
  public void forget() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new LeaseStoreException("The snapshot " + file + " cannot be removed: " + e + ".", e);
    }
  }
}
