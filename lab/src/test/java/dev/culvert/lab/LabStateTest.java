// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabStateTest {
  @TempDir private Path temporary;

  private Path folder() {
    return temporary.resolve("lab");
  }

  @Test
  void unusedStateLeavesNothingBehind() {
    try (LabState state = LabState.open(folder())) {
      assertFalse(state.exists());
    }
    assertFalse(Files.exists(folder()));
  }

  @Test
  void claimsOutliveTheProcessThatMadeThem() {
    try (LabState state = LabState.open(folder())) {
      state.begin(LabState.Purpose.RUN);
      state.claimNamespaces(List.of("cv-lab-none-1", "cv-lab-none-2"));
      state.claimNamespaces(List.of("cv-lab-none-2", "cv-lab-none-3"));
      state.claimPaths(List.of(Path.of("/nowhere/pin")));
      state.claimMount(Path.of("/nowhere/bpf"));
    }
    try (LabState state = LabState.open(folder())) {
      assertTrue(state.exists());
      assertFalse(state.isUp());
      assertEquals(List.of("cv-lab-none-1", "cv-lab-none-2", "cv-lab-none-3"), state.namespaces());
      assertEquals(List.of(Path.of("/nowhere/pin")), state.paths());
      assertEquals(Optional.of(Path.of("/nowhere/bpf")), state.mount());
    }
  }

  @Test
  void onlyACompletedUpIsUp() {
    try (LabState state = LabState.open(folder())) {
      state.begin(LabState.Purpose.UP);
      assertFalse(state.isUp());
      state.complete();
      assertTrue(state.isUp());
    }
  }

  @Test
  void secondCommandIsToldWhoWorks() {
    try (LabState state = LabState.open(folder())) {
      state.begin(LabState.Purpose.RUN);
      LabException e = assertThrows(LabException.class, () -> LabState.open(folder()));
      assertTrue(e.getMessage().contains("pid " + ProcessHandle.current().pid()), e.getMessage());
      assertTrue(e.getMessage().contains(state.since()), e.getMessage());
    }
  }

  @Test
  void forgettingRemovesTheFolder() {
    try (LabState state = LabState.open(folder())) {
      state.begin(LabState.Purpose.RUN);
      state.forget();
      assertFalse(state.exists());
    }
    assertFalse(Files.exists(folder()));
  }
}
