// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** For embedding, so on top of nothing but the JDK's base and the loader. */
final class ModuleTest {
  @Test
  void theModuleNeedsNothingButTheJdkAndTheLoader() throws IOException {
    try (InputStream stream = Files.newInputStream(Path.of("target/classes/module-info.class"))) {
      assertEquals(
          Set.of("java.base", "dev.culvert.loader"),
          ModuleDescriptor.read(stream).requires().stream()
              .map(ModuleDescriptor.Requires::name)
              .collect(Collectors.toSet()));
    }
  }
}
