// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Named network namespaces, as ip-netns(8) keeps them. */
public final class Namespaces {
  private static final Path NAMED = Path.of("/run/netns");
  private static final Duration GRACE = Duration.ofSeconds(4);

  private final Shell shell;

  public Namespaces(Shell shell) {
    this.shell = shell;
  }

  public static Path path(String namespace) {
    return NAMED.resolve(namespace);
  }

  public static boolean exists(String namespace) {
    return Files.exists(path(namespace));
  }

  /** The words that go before a command to run it in a namespace. */
  public static List<String> enter(String namespace) {
    return List.of("nsenter", "--net=" + path(namespace), "--");
  }

  public void create(Collection<String> namespaces) {
    batch("add", namespaces);
  }

  /**
   * Ends all that runs in the namespaces, by process number, and removes them; absent ones are no
   * error.
   */
  public void delete(Collection<String> namespaces) {
    List<String> present = namespaces.stream().filter(Namespaces::exists).toList();
    endProcesses(present);
    batch("del", present);
  }

  private void batch(String verb, Collection<String> namespaces) {
    if (namespaces.isEmpty()) {
      return;
    }
    String lines =
        namespaces.stream()
            .map(name -> "netns " + verb + " " + name + "\n")
            .collect(Collectors.joining());
    shell.check(Command.of("ip", "-batch", "-").reading(lines));
  }

  private static void endProcesses(Collection<String> namespaces) {
    Set<ProcessHandle> inside = processes(namespaces);
    if (inside.isEmpty()) {
      return;
    }
    inside.forEach(ProcessHandle::destroy);
    if (Patience.holdsWithin(GRACE, () -> inside.stream().noneMatch(ProcessHandle::isAlive))) {
      return;
    }
    // Again from the start: somebody may have forked meanwhile.
    Set<ProcessHandle> left = processes(namespaces);
    left.forEach(ProcessHandle::destroyForcibly);
    Patience.until(
        "the lab's processes to end", GRACE, () -> left.stream().noneMatch(ProcessHandle::isAlive));
  }

  /** Everything that lives in one of the namespaces, apart from ourselves. */
  static Set<ProcessHandle> processes(Collection<String> namespaces) {
    Set<String> identities =
        namespaces.stream()
            .map(Namespaces::identity)
            .flatMap(Optional::stream)
            .collect(Collectors.toSet());
    Set<ProcessHandle> found = new HashSet<>();
    ProcessHandle.allProcesses()
        .filter(process -> process.pid() != ProcessHandle.current().pid())
        .filter(process -> namespaceOf(process.pid()).filter(identities::contains).isPresent())
        .forEach(found::add);
    return found;
  }

  /** As the link /proc/PID/ns/net shows it, for example "net:[4026531840]". */
  private static Optional<String> identity(String namespace) {
    try {
      return Optional.of("net:[" + Files.getAttribute(path(namespace), "unix:ino") + "]");
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  private static Optional<String> namespaceOf(long pid) {
    try {
      return Optional.of(
          Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "ns", "net")).toString());
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  /** Those that exist whose names start so. */
  public static List<String> startingWith(String prefix) {
    try (Stream<Path> names = Files.list(NAMED)) {
      return names
          .map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith(prefix))
          .sorted()
          .toList();
    } catch (IOException none) {
      return List.of();
    }
  }
}
