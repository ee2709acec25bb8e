// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.agent.output.Json;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the lab on this machine consists of, in a file, written <em>before</em> each thing is made:
 * so another process can remove precisely that, even when this one was killed. While a lab command
 * works it holds a lock, which the kernel gives up when the command dies.
 *
 * <p>All of the lab's files are in {@link #DIRECTORY}; it is gone when no lab is up.
 */
public final class LabState implements AutoCloseable {
  public static final Path DIRECTORY = Path.of("/run/culvert-lab");

  private static final String FILE = "lab.json";
  private static final String LOCK = "lock";

  /** Why a lab is there. */
  public enum Purpose {
    /** To stay until "lab down". */
    UP,
    /** For as long as the process that made it. */
    RUN
  }

  private final Path directory;
  private final FileChannel lock;
  private Map<String, Object> record = new LinkedHashMap<>();

  private LabState(Path directory, FileChannel lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /**
   * Takes the machine's one lab, as the last command left it.
   *
   * @throws LabException when another lab command is at work
   */
  public static LabState open() {
    return open(DIRECTORY);
  }

  static LabState open(Path directory) {
    try {
      while (true) {
        Files.createDirectories(
            directory,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path lockFile = directory.resolve(LOCK);
        FileChannel channel =
            FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        Object opened = identity(lockFile);
        if (!lock(channel)) {
          channel.close();
          throw new LabException(busy(directory));
        }
        // Its last holder may have removed the folder between our opening and our locking.
        if (opened.equals(identity(lockFile))) {
          LabState state = new LabState(directory, channel);
          state.load();
          return state;
        }
        channel.close();
      }
    } catch (IOException e) {
      throw new LabException("Cannot use " + directory + ": " + e.getMessage() + ".", e);
    }
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      FileLock held = channel.tryLock();
      return held != null;
    } catch (OverlappingFileLockException heldByThisProcess) {
      return false;
    }
  }

  private static Object identity(Path file) throws IOException {
    return Files.exists(file) ? Files.getAttribute(file, "unix:ino") : "none";
  }

  private static String busy(Path directory) {
    Map<String, Object> other = read(directory.resolve(FILE)).orElse(Map.of());
    return "Another lab command is at work (pid %s, since %s); let it end, or end it with Ctrl-C."
        .formatted(other.getOrDefault("pid", "unknown"), other.getOrDefault("since", "now"));
  }

  private void load() {
    read(directory.resolve(FILE)).ifPresent(found -> record = found);
  }

  private static Optional<Map<String, Object>> read(Path file) {
    try {
      return Optional.of(Json.parseObject(Files.readString(file)));
    } catch (IOException | IllegalArgumentException none) {
      return Optional.empty();
    }
  }

  /** Whether a lab is there, whole or in pieces. */
  public boolean exists() {
    return !record.isEmpty();
  }

  /** Whether a lab is there that "lab up" finished. */
  public boolean isUp() {
    return Purpose.UP.name().equals(record.get("purpose"))
        && Boolean.TRUE.equals(record.get("complete"));
  }

  /** When the lab was begun. */
  public String since() {
    return String.valueOf(record.get("since"));
  }

  /** Begins a lab: from here on it counts as there. */
  public void begin(Purpose purpose) {
    record.put("purpose", purpose.name());
    record.put("complete", false);
    record.put("pid", ProcessHandle.current().pid());
    record.put("since", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    save();
  }

  /** Everything is there that "lab up" was to make. */
  public void complete() {
    record.put("complete", true);
    save();
  }

  /**
   * Announces namespaces that are going to be made.
   *
   * @throws LabException when one is there already that no lab made
   */
  public synchronized void claimNamespaces(List<String> names) {
    Set<String> known = new LinkedHashSet<>(namespaces());
    for (String name : names) {
      if (Namespaces.exists(name) && !known.contains(name)) {
        throw new LabException(
            "There is a network namespace %s that the lab did not make; remove or rename it first: ip netns del %s"
                .formatted(name, name));
      }
    }
    known.addAll(names);
    record.put("namespaces", new ArrayList<>(known));
    save();
  }

  public synchronized List<String> namespaces() {
    return strings("namespaces");
  }

  /** Announces files and folders outside of {@link #DIRECTORY} that will have to go. */
  public synchronized void claimPaths(List<Path> paths) {
    Set<String> known = new LinkedHashSet<>(strings("paths"));
    paths.forEach(path -> known.add(path.toString()));
    record.put("paths", new ArrayList<>(known));
    save();
  }

  public synchronized List<Path> paths() {
    return strings("paths").stream().map(Path::of).toList();
  }

  /** Announces folders that have to go if they are empty then. */
  public synchronized void claimEmptyFolders(List<Path> paths) {
    Set<String> known = new LinkedHashSet<>(strings("emptyFolders"));
    paths.forEach(path -> known.add(path.toString()));
    record.put("emptyFolders", new ArrayList<>(known));
    save();
  }

  public synchronized List<Path> emptyFolders() {
    return strings("emptyFolders").stream().map(Path::of).toList();
  }

  /** Announces that the lab mounts the bpf file system. */
  public synchronized void claimMount(Path mountPoint) {
    record.put("mount", mountPoint.toString());
    save();
  }

  public synchronized Optional<Path> mount() {
    return Optional.ofNullable(record.get("mount")).map(path -> Path.of(path.toString()));
  }

  private List<String> strings(String key) {
    return record.get(key) instanceof List<?> list
        ? list.stream().map(Object::toString).toList()
        : List.of();
  }

  private void save() {
    Path next = directory.resolve(FILE + ".next");
    try {
      Files.writeString(next, Json.pretty(record) + "\n");
      Files.move(
          next,
          directory.resolve(FILE),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new LabException("Cannot write " + directory + ": " + e.getMessage() + ".", e);
    }
  }

  /** Forgets the lab, with all of its files, once it is removed. */
  public synchronized void forget() {
    record = new LinkedHashMap<>();
    Folders.delete(directory);
  }

  /** Lets the next command in. An empty state leaves no folder behind. */
  @Override
  public synchronized void close() {
    if (!exists()) {
      Folders.delete(directory);
    }
    try {
      lock.close();
    } catch (IOException e) {
      throw new LabException("Cannot release the lab's lock: " + e.getMessage() + ".", e);
    }
  }
}
