// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A folder for a test's own pins below /sys/fs/bpf, removed with all that is in it. */
public final class BpfFolder implements AutoCloseable {
  private static final Path MOUNT_POINT = BpfFileSystem.DEFAULT;
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final Path path;

  private BpfFolder(Path path) {
    this.path = path;
  }

  /** Makes one; mounts the bpf file system where nobody has yet. */
  public static BpfFolder create() throws IOException {
    mount();
    Path path =
        MOUNT_POINT.resolve(
            "cv-test-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet());
    return new BpfFolder(Files.createDirectory(path));
  }

  /**
   * Mounts the bpf file system on /sys/fs/bpf where nobody has yet, for tests that pin there. It is
   * unmounted when this JVM ends, unless something is left in it.
   *
   * @throws dev.culvert.kernel.KernelException when the kernel refuses
   */
  public static synchronized void mount() {
    BpfFileSystem files = new BpfFileSystem(Libc.system());
    if (files.contains(MOUNT_POINT)) {
      return;
    }
    files.mount(MOUNT_POINT);
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("unmount bpf")
                .unstarted(() -> files.unmountIfEmpty(MOUNT_POINT)));
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
