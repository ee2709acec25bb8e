// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.nio.file.Path;

/**
 * The machine's lab, held by this process: builds topologies, each recorded before it is made.
 * Closing it removes everything, however far it came, on Ctrl-C too.
 */
public final class Lab implements AutoCloseable {
  private final LabState state;
  private final Shell shell = new Shell();
  private final Progress progress;
  private final Thread interrupted = new Thread(this::interrupted, "lab-interrupted");
  private boolean over;

  private Lab(LabState state, Progress progress) {
    this.state = state;
    this.progress = progress;
  }

  /**
   * Takes the machine's lab. What a killed one left is removed first, and told.
   *
   * @throws LabException when one is up, or another command is at work
   */
  public static Lab begin(LabState.Purpose purpose, Progress progress) {
    LabTools.require();
    LabState state = LabState.open();
    try {
      if (state.isUp()) {
        throw new LabException(
            "A lab is up already (since %s); \"./culvert lab down\" removes it."
                .formatted(state.since()));
      }
      if (state.exists()) {
        progress.line("Removing what the lab of " + state.since() + " left behind.");
        new Cleaner(state).clean();
        state.close();
        state = LabState.open();
      }
      state.begin(purpose);
    } catch (LabException e) {
      state.close();
      throw e;
    }
    Lab lab = new Lab(state, progress);
    Runtime.getRuntime().addShutdownHook(lab.interrupted);
    return lab;
  }

  public Shell shell() {
    return shell;
  }

  public LabState state() {
    return state;
  }

  /** A file of the lab's own, removed with it. */
  public Path file(String name) {
    return LabState.DIRECTORY.resolve(name);
  }

  public Topology build(LabPlan plan) {
    state.claimNamespaces(plan.namespaces());
    return Topology.build(shell, plan);
  }

  /** Makes sure that there is a bpf file system. */
  public void needBpfFileSystem() {
    BpfFileSystem files = new BpfFileSystem(Libc.system());
    if (!files.contains(BpfFileSystem.DEFAULT)) {
      state.claimMount(BpfFileSystem.DEFAULT);
      files.mount(BpfFileSystem.DEFAULT);
    }
  }

  /** Whether it is being removed, so that failures are no news. */
  public synchronized boolean isOver() {
    return over;
  }

  /** Leaves the lab standing, for "lab up". */
  public synchronized void keep() {
    state.complete();
    over = true;
    state.close();
    forgetHook();
  }

  @Override
  public void close() {
    removeAll();
    forgetHook();
  }

  /** Ctrl-C, or a polite kill: what fails in the walk from here on is no news. */
  private void interrupted() {
    progress.lastLine("Interrupted: removing the lab.");
    try {
      removeAll();
    } catch (LabException e) {
      System.err.println("culvert: " + e.getMessage());
    }
  }

  private synchronized void removeAll() {
    if (over) {
      return;
    }
    over = true;
    shell.close();
    try {
      new Cleaner(state).clean();
    } finally {
      state.close();
    }
  }

  private void forgetHook() {
    try {
      var _ = Runtime.getRuntime().removeShutdownHook(interrupted);
    } catch (IllegalStateException shuttingDown) {
      // It is the hook that called us, or runs beside us and waits.
      return;
    }
  }
}
