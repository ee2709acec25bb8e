// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Agents that begin at once on a machine without a bpf file system. */
@Tag("kernel")
@RequiresRoot
final class PinFileSystemKernelTest {
  private static final int AGENTS = 8;

  private final Libc libc = Libc.system();

  @TempDir private Path folder;
  private Path bpffs;

  @BeforeEach
  void name() {
    bpffs = folder.resolve("bpf");
  }

  @AfterEach
  void unmount() {
    new BpfFileSystem(libc).unmountIfEmpty(bpffs);
  }

  @Test
  void oneOfManyMountsItAndNoMountHidesAnother() throws Exception {
    List<Future<Boolean>> mounted = new ArrayList<>();
    try (ExecutorService agents = Executors.newFixedThreadPool(AGENTS)) {
      for (int i = 0; i < AGENTS; i++) {
        mounted.add(agents.submit(() -> PinFileSystem.ensure(libc, bpffs, _ -> {})));
      }
    }
    int times = 0;
    for (Future<Boolean> result : mounted) {
      times += result.get() ? 1 : 0;
    }
    assertEquals(1, times);
    assertEquals(1, mounts());
  }

  @Test
  void whatSomebodyHasPinnedThereSurvivesTheOneWhoMounted() throws IOException {
    assertTrue(PinFileSystem.ensure(libc, bpffs, _ -> {}));
    Path another = Files.createDirectory(bpffs.resolve("another"));
    PinFileSystem.release(libc, bpffs);
    assertTrue(Files.isDirectory(another));

    Files.delete(another);
    PinFileSystem.release(libc, bpffs);
    assertEquals(0, mounts());
  }

  private long mounts() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
      return lines.filter(line -> line.contains(" " + bpffs + " ")).count();
    }
  }
}
