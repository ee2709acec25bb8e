// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.util.ArrayList;
import java.util.List;

/** Removes a lab by its record: precisely what is listed there. */
public final class Cleaner {
  private final LabState state;

  public Cleaner(LabState state) {
    this.state = state;
  }

  /**
   * Ends processes, removes namespaces, pins and files, unmounts what the lab mounted. Goes on
   * after a failure, and forgets the lab only when all of it is gone.
   *
   * @throws LabException naming what is left
   */
  public void clean() {
    List<String> failures = new ArrayList<>();
    // A shell of its own: the lab's may be closed already.
    try (Shell shell = new Shell()) {
      attempt(failures, () -> new Namespaces(shell).delete(state.namespaces()));
      state.paths().forEach(path -> attempt(failures, () -> Folders.delete(path)));
      state.emptyFolders().forEach(path -> attempt(failures, () -> Folders.deleteIfEmpty(path)));
      state
          .mount()
          .ifPresent(mountPoint ->
              attempt(failures, () -> new BpfFileSystem(Libc.system()).unmountIfEmpty(mountPoint)));
    }
    if (!failures.isEmpty()) {
      throw new LabException("The lab is not quite gone: " + String.join(" ", failures));
    }
    state.forget();
  }

  private static void attempt(List<String> failures, Runnable work) {
    try {
      work.run();
    } catch (RefusedException | KernelException e) {
      failures.add(e.getMessage());
    }
  }
}
