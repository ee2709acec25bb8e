// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A folder for a test's own pins below /sys/fs/bpf, removed with all that is in it. */
public final class BpfFolder implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final Path path;

  private BpfFolder(Path path) {
    this.path = path;
  }

  /** Makes one; mounts the bpf file system where nobody has yet. */
  public static BpfFolder create() throws Exception {
    if (Files.readAllLines(Path.of("/proc/mounts")).stream()
        .noneMatch(l -> l.contains(" /sys/fs/bpf bpf "))) {
      Commands.run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf");
    }
    Path path =
        Path.of(
            "/sys/fs/bpf/cv-test-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet());
    return new BpfFolder(Files.createDirectory(path));
  }

  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(path)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path each : all) {
      Files.delete(each);
    }
  }
}
