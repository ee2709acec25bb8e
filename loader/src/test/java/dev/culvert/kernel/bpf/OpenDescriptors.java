// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Watches for leaks: every bpf descriptor and socket of this JVM, before and after. */
final class OpenDescriptors {
  private final List<String> before = now();

  private static List<String> now() {
    List<String> result = new ArrayList<>();
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path fd : all.toList()) {
        try {
          String target = Files.readSymbolicLink(fd).toString();
          if (target.contains("bpf") || target.contains("btf") || target.startsWith("socket:")) {
            result.add(fd.getFileName() + " -> " + target);
          }
        } catch (IOException gone) {
          // It was the descriptor that listed the folder.
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    result.sort(null);
    return result;
  }

  void assertNoneLeaked() {
    assertEquals(before, now());
  }
}
