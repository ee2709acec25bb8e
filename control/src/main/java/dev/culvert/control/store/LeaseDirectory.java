// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.Lease;
import dev.culvert.control.LeaseStoreException;
import dev.culvert.datapath.Subnet;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

/**
 * The files of a lease directory: reads them, remembers what each held when it last made sense, and
 * replaces them whole. Changes are made under {@link DirectoryLock} only; reading needs no lock.
 */
final class LeaseDirectory {
  private static final String TEMPORARY = ".tmp-";

  /** Each is in vain only if somebody changes the directory in that very moment. */
  private static final int PROBES = 10;

  /** A lease is six short lines; whatever is larger is something else. */
  private static final int MAX_FILE_BYTES = 65_536;

  /** How long a vanished file's content is remembered: an editor may be replacing the file. */
  private static final Duration MEMORY = Duration.ofSeconds(2);

  /** What the directory holds, by subnet, and what is wrong with it. */
  record Contents(SortedMap<Subnet, Held> leases, List<String> problems) {
    List<Lease> list() {
      return leases.values().stream().map(Held::lease).toList();
    }

    SortedMap<Subnet, Lease> bySubnet() {
      SortedMap<Subnet, Lease> map = new TreeMap<>();
      leases.forEach((subnet, held) -> map.put(subnet, held.lease()));
      return map;
    }
  }

  /** A lease and the file that holds it. */
  record Held(Path file, Lease lease) {}

  /** What a file held, and when it was last there. */
  private record Memory(Lease lease, long seenNs) {}

  private final Path directory;
  private final int defaultPort;
  private final Map<Path, Memory> memories = new HashMap<>();

  /** The greatest that was seen of each subnet: a file may be removed by hand. */
  private final Map<Subnet, Long> generations = new HashMap<>();

  LeaseDirectory(Path directory, int defaultPort) {
    this.directory = directory;
    this.defaultPort = defaultPort;
  }

  /** Reads all; files that cannot be read are problems and not failures. */
  synchronized Contents read() {
    long nowNs = System.nanoTime();
    SortedMap<Subnet, Held> leases = new TreeMap<>();
    List<String> problems = new ArrayList<>();
    for (Path file : files("*" + LeaseFile.SUFFIX)) {
      readOne(file, nowNs, problems).ifPresent(lease -> add(file, lease, leases, problems));
    }
    leases.values().forEach(held -> note(held.lease()));
    memories.values().removeIf(memory -> nowNs - memory.seenNs() > MEMORY.toNanos());
    addOverlaps(leases, problems);
    return new Contents(leases, List.copyOf(problems));
  }

  /**
   * Writes a new file for a lease.
   *
   * @throws LeaseStoreException also when a file that holds no lease is in the way
   */
  void create(Lease lease) {
    refuseFormerNames(lease.subnet());
    Path plain = directory.resolve(LeaseFile.name(lease.subnet()));
    Path target =
        isOfOtherNetwork(plain, lease.subnet())
            ? directory.resolve(LeaseFile.nameWithVni(lease.subnet()))
            : plain;
    try {
      Path temporary = writeTemporary(lease);
      try {
        // A link fails where a move would replace what a person wrote in this very moment.
        Files.createLink(target, temporary);
        Files.delete(temporary);
      } catch (FileAlreadyExistsException e) {
        Files.delete(temporary);
        throw e;
      } catch (UnsupportedOperationException | IOException e) {
        moveIfAbsent(temporary, target); // a file system without hard links
      }
      note(lease);
      Files.deleteIfExists(directory.resolve(LeaseFile.releasedName(lease.subnet())));
      forceDirectory();
    } catch (FileAlreadyExistsException e) {
      throw new LeaseStoreException(inTheWay(target), e);
    } catch (IOException e) {
      throw new LeaseStoreException("The lease " + target + " cannot be written: " + e + ".", e);
    }
  }

  /** Replaces a file: readers see the old or the new content, never a part. */
  void replace(Path file, Lease lease) {
    try {
      Files.move(writeTemporary(lease), file, StandardCopyOption.ATOMIC_MOVE);
      note(lease);
      forceDirectory();
    } catch (IOException e) {
      throw new LeaseStoreException("The lease " + file + " cannot be written: " + e + ".", e);
    }
  }

  /** Writes another kind of file, or replaces it whole. */
  void put(String name, String content) {
    Path file = file(name);
    try {
      Files.move(writeTemporary(content), file, StandardCopyOption.ATOMIC_MOVE);
      forceDirectory();
    } catch (IOException e) {
      throw new LeaseStoreException("The file " + file + " cannot be written: " + e + ".", e);
    }
  }

  void remove(String name) {
    Path file = file(name);
    try {
      Files.delete(file);
      forceDirectory();
    } catch (IOException e) {
      throw new LeaseStoreException("The file " + file + " cannot be removed: " + e + ".", e);
    }
  }

  /**
   * Takes a lease away, and remembers its generation: the file gets another name, which needs no
   * room on a full disk.
   */
  void release(Held held) {
    Path released = directory.resolve(LeaseFile.releasedName(held.lease().subnet()));
    try {
      Files.move(held.file(), released, StandardCopyOption.ATOMIC_MOVE);
      forceDirectory();
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The lease " + held.file() + " cannot be removed: " + e + ".", e);
    }
    synchronized (this) {
      memories.remove(held.file());
    }
  }

  /**
   * When the oldest lease was written, static ones aside; without any, when something last came or
   * went, or the mark was made. By the clock of the file system, which is another machine's
   * perhaps.
   */
  Instant oldestSign(Contents contents, Path mark) {
    try {
      Optional<Instant> oldest = Optional.empty();
      for (Held held : contents.leases().values()) {
        if (!held.lease().isStatic()) {
          Instant written = time(held.file());
          oldest = oldest.filter(at -> at.isBefore(written)).or(() -> Optional.of(written));
        }
      }
      if (oldest.isPresent()) {
        return oldest.get();
      }
      Instant made = time(mark);
      Instant changed = time(directory);
      return made.isAfter(changed) ? made : changed;
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The age of the leases in " + directory + " cannot be read: " + e + ".", e);
    }
  }

  /**
   * What time it is by the clock of the file system: a file is written in place, so that the
   * directory's own time stays, and goes with the next change, which may be another host's and now.
   */
  Instant now() {
    Path probe = directory.resolve(TEMPORARY + "clock");
    try {
      for (int i = 0; ; i++) {
        try {
          Files.write(probe, new byte[1]);
          return time(probe);
        } catch (NoSuchFileException e) {
          if (i == PROBES) {
            throw e;
          }
        }
      }
    } catch (IOException e) {
      throw new LeaseStoreException(
          "The lease directory " + directory + " cannot be written: " + e + ".", e);
    }
  }

  private static Instant time(Path path) throws IOException {
    return Files.getLastModifiedTime(path).toInstant();
  }

  private synchronized void note(Lease lease) {
    generations.merge(lease.subnet(), lease.generation(), Math::max);
  }

  /** The greatest that this subnet had, as far as this directory or this process remembers. */
  synchronized long highestGeneration(Subnet subnet) {
    long seen = generations.getOrDefault(subnet, 0L);
    return released(subnet).map(lease -> Math.max(seen, lease.generation())).orElse(seen);
  }

  /**
   * Whether a lease that is no longer there was given back, rather than lost or removed by hand.
   */
  boolean wasReleased(Lease lease) {
    return released(lease.subnet())
        .filter(last -> last.generation() >= lease.generation())
        .isPresent();
  }

  /** What a file of somebody else's says there counts for nothing. */
  private Optional<Lease> released(Subnet subnet) {
    try {
      Path file = directory.resolve(LeaseFile.releasedName(subnet));
      return Optional.of(LeaseText.parse(text(file), defaultPort))
          .filter(lease -> lease.subnet().equals(subnet));
    } catch (IOException | LeaseText.MalformedException e) {
      return Optional.empty();
    }
  }

  /** Removes what a crash left behind. Under the lock nobody else is writing, so all is stale. */
  void deleteTemporaryFiles() {
    for (Path file : files(TEMPORARY + "*")) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw new LeaseStoreException(
            "The temporary file " + file + " cannot be removed: " + e + ".", e);
      }
    }
  }

  Path file(String name) {
    return directory.resolve(name);
  }

  List<Path> files(String glob) {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, glob)) {
      stream.forEach(files::add);
    } catch (IOException | DirectoryIteratorException e) {
      throw new LeaseStoreException(
          "The lease directory " + directory + " cannot be read: " + e + ".", e);
    }
    files.sort(null);
    return files;
  }

  /** What the file holds, or, while it makes no sense, what it held before. */
  private Optional<Lease> readOne(Path file, long nowNs, List<String> problems) {
    Memory memory = memories.get(file);
    try {
      Lease lease = LeaseText.parse(text(file), defaultPort);
      memories.put(file, new Memory(lease, nowNs));
      return Optional.of(lease);
    } catch (NoSuchFileException e) {
      return Optional.empty(); // removed since the directory was listed
    } catch (LeaseText.MalformedException e) {
      problems.add(problem(file, e.getMessage(), memory));
    } catch (CharacterCodingException e) {
      problems.add(problem(file, "line 1: the file is not UTF-8 text.", memory));
    } catch (IOException e) {
      problems.add(problem(file, "it cannot be read: " + e + ".", memory));
    }
    if (memory == null) {
      return Optional.empty();
    }
    memories.put(file, new Memory(memory.lease(), nowNs));
    return Optional.of(memory.lease());
  }

  private static String problem(Path file, String what, Memory memory) {
    return "The lease file "
        + file
        + " is malformed, "
        + what
        + (memory == null
            ? " It counts for nothing until it is mended."
            : " The lease that it held before, " + memory.lease() + ", stays until it is mended.");
  }

  /** Opens nothing but plain files: reading a pipe waits for its writer, a device may never end. */
  static String text(Path file) throws IOException, LeaseText.MalformedException {
    if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
      throw new LeaseText.MalformedException(
          "it is no plain file, but a folder, a pipe, a socket or a device.");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
      if (bytes.length > MAX_FILE_BYTES) {
        throw new LeaseText.MalformedException(
            "line 1: the file is larger than " + MAX_FILE_BYTES + " bytes.");
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }
  }

  private static void add(
      Path file, Lease lease, SortedMap<Subnet, Held> leases, List<String> problems) {
    Held first = leases.putIfAbsent(lease.subnet(), new Held(file, lease));
    if (first != null) {
      problems.add(
          "The lease files "
              + first.file()
              + " and "
              + file
              + " are both of "
              + lease.subnet()
              + "; the first counts, remove one.");
    }
  }

  /** Only files written by hand can overlap; the longer prefix wins where packets are concerned. */
  private static void addOverlaps(SortedMap<Subnet, Held> leases, List<String> problems) {
    for (Overlaps.Pair pair : Overlaps.among(leases.values().stream().map(Held::lease).toList())) {
      problems.add(
          "The lease files "
              + leases.get(pair.first().subnet()).file()
              + " and "
              + leases.get(pair.second().subnet()).file()
              + " overlap ("
              + pair.first()
              + ", "
              + pair.second()
              + "); mend one of them.");
    }
  }

  /** A file that was this subnet's and cannot be read now may be its lease again once mended. */
  private void refuseFormerNames(Subnet subnet) {
    List<Path> holding = read().leases().values().stream().map(Held::file).toList();
    for (String name : LeaseFile.formerNames(subnet)) {
      Path former = directory.resolve(name);
      if (Files.exists(former) && !holding.contains(former)) {
        throw new LeaseStoreException(inTheWay(former));
      }
    }
  }

  private static String inTheWay(Path file) {
    return "The file " + file + " is in the way and holds no lease; mend or remove it.";
  }

  private boolean isOfOtherNetwork(Path file, Subnet subnet) {
    return read().leases().values().stream()
        .anyMatch(held -> held.file().equals(file) && !held.lease().subnet().equals(subnet));
  }

  private Path writeTemporary(Lease lease) throws IOException {
    return writeTemporary(LeaseText.format(lease));
  }

  private Path writeTemporary(String content) throws IOException {
    Path temporary = directory.resolve(TEMPORARY + UUID.randomUUID());
    try {
      DurableFile.write(
          temporary, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (IOException e) {
      Files.deleteIfExists(temporary); // the disk is full, likely
      throw e;
    }
    return temporary;
  }

  private static void moveIfAbsent(Path temporary, Path target) throws IOException {
    if (Files.exists(target)) {
      Files.delete(temporary);
      throw new FileAlreadyExistsException(target.toString());
    }
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private void forceDirectory() throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
