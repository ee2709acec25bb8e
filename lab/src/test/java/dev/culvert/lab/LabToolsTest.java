// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabToolsTest {
  @TempDir private Path temporary;

  @Test
  void everyPackageOfTheFileHasItsPrograms() {
    for (String name : LabTools.packages()) {
      assertFalse(LabTools.programs(name).isEmpty(), name);
    }
  }

  @Test
  void onAnEmptyMachineAllAreMissing() {
    assertEquals(LabTools.packages(), LabTools.missing(List.of(temporary)));
  }

  @Test
  void packageIsMissingUntilAllItsProgramsAreThere() throws IOException {
    program("ip");
    assertEquals(true, LabTools.missing(List.of(temporary)).contains("iproute2"));
    program("bridge");
    assertEquals(false, LabTools.missing(List.of(temporary)).contains("iproute2"));
  }

  private void program(String name) throws IOException {
    var _ =
        Files.createFile(
            temporary.resolve(name),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
  }
}
