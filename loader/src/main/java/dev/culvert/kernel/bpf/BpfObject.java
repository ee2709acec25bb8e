// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.system.Successor;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A loaded object: its maps and programs, as owned file descriptors. Closing it frees what is not
 * pinned or attached. Methods may be called from any thread.
 */
public final class BpfObject implements AutoCloseable {
  /** To make a folder that other processes make and remove too. */
  private static final int MOST_TRIES = 10;

  private final BpfObjectSpec spec;
  private final Map<String, BpfMap> maps;
  private final Map<String, BpfProgram> programs;
  private final List<AutoCloseable> owned;

  private BpfObject(ObjectLoader loader) {
    this.spec = loader.spec();
    this.maps = Map.copyOf(loader.maps());
    this.programs = new LinkedHashMap<>(loader.programs());
    this.owned = new ArrayList<>(loader.owned());
  }

  /**
   * Creates the maps, relocates and loads every program. All or nothing: after a failure nothing is
   * left.
   *
   * @param libc the way to the kernel
   * @param spec what to load
   * @param reuse maps to use in place of the object's own, by name; each must match the spec (type,
   *     sizes, flags). They stay the caller's to close
   * @return the caller's to close
   * @throws KernelException when the kernel refuses; {@link VerifierRejected} when its verifier
   *     does
   * @throws IllegalStateException when a map to reuse has another layout; the message names both
   */
  public static BpfObject load(Libc libc, BpfObjectSpec spec, Map<String, BpfMap> reuse) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(spec, "spec");
    Objects.requireNonNull(reuse, "reuse");
    ObjectLoader loader = new ObjectLoader(libc, spec);
    try {
      reuse.forEach((name, map) -> loader.reuse(name, map, "The map given as " + name));
      loader.load();
      return new BpfObject(loader);
    } catch (RuntimeException | Error e) {
      closeAll(loader.owned());
      throw e;
    }
  }

  /**
   * Like {@link #load(Libc, BpfObjectSpec, Map)}, but each map of the spec is taken from {@code
   * pins/NAME} when it is pinned there already, else created and pinned there. Global data is not
   * pinned: it belongs to the programs of one load. The folder is made when it is missing. All or
   * nothing: after a failure no new pin is left.
   *
   * @param libc the way to the kernel
   * @param spec what to load
   * @param pins a folder below a bpf file system
   * @return the caller's to close; what is pinned outlives it
   * @throws KernelException when the kernel refuses, also to make the folder; {@link
   *     VerifierRejected} when its verifier does
   * @throws dev.culvert.kernel.RefusedException when a pinned map has another layout; the message
   *     names both
   */
  public static BpfObject loadPinned(Libc libc, BpfObjectSpec spec, Path pins) {
    return loadPinned(libc, spec, pins, Set.of());
  }

  /**
   * Like {@link #loadPinned(Libc, BpfObjectSpec, Path)}, but some maps may be pinned with another
   * number of entries than the spec has: such a one is replaced by one of the spec's size that
   * holds all that it held. Programs that were loaded before go on with the old one until they are
   * replaced, and what they write meanwhile is not in the new one; nobody else should write.
   *
   * @param libc the way to the kernel
   * @param spec what to load
   * @param pins a folder below a bpf file system
   * @param resizable names of plain hashes, arrays and tries (no maps of maps, no ring buffers)
   * @return the caller's to close; what is pinned outlives it
   * @throws KernelException as the other, also where a map of the new size cannot hold what the old
   *     one does; nothing is changed then
   * @throws dev.culvert.kernel.RefusedException when a pinned map differs in more than that
   */
  public static BpfObject loadPinned(
      Libc libc, BpfObjectSpec spec, Path pins, Set<String> resizable) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(spec, "spec");
    Objects.requireNonNull(pins, "pins");
    Objects.requireNonNull(resizable, "resizable");
    ObjectLoader loader = new ObjectLoader(libc, spec);
    List<Path> made = new ArrayList<>();
    try {
      makeFolder(pins, made);
      Map<String, Path> missing = new HashMap<>();
      Map<String, Path> replaced = new HashMap<>();
      for (MapSpec map : spec.maps()) {
        Path pin = pins.resolve(map.name());
        if (!Files.exists(pin)) {
          missing.put(map.name(), pin);
          continue;
        }
        BpfMap pinned = loader.own(BpfMap.openPinned(libc, pin));
        if (resizable.contains(map.name()) && loader.differsInSizeAlone(map.name(), pinned)) {
          loader.carryOver(map.name(), pinned);
          replaced.put(map.name(), pin);
        } else {
          loader.reuse(map.name(), pinned, "The map pinned at " + pin);
        }
      }
      loader.load();
      missing.forEach((name, pin) -> {
        loader.maps().get(name).pin(pin);
        made.add(pin);
      });
      replacePins(loader.maps(), replaced, made);
      return new BpfObject(loader);
    } catch (RuntimeException | Error e) {
      closeAll(loader.owned());
      removeAll(made, e);
      throw e;
    }
  }

  /** Whatever may fail comes first. */
  private static void replacePins(
      Map<String, BpfMap> maps, Map<String, Path> pins, List<Path> made) {
    List<Successor> all = new ArrayList<>();
    pins.forEach((name, pin) -> {
      Successor next = new Successor(pin);
      try {
        next.make(maps.get(name)::pin);
      } catch (IOException e) {
        throw notReplaced(pin, e);
      }
      made.add(next.beside());
      all.add(next);
    });
    for (Successor next : all) {
      try {
        next.takeOver();
      } catch (IOException e) {
        throw notReplaced(next.place(), e);
      }
    }
  }

  private static RefusedException notReplaced(Path pin, IOException reason) {
    return new RefusedException("The pin " + pin + " could not be replaced: " + reason, reason);
  }

  /** Another process may make or remove the same folders meanwhile. */
  private static void makeFolder(Path folder, List<Path> made) {
    Path parent = folder.toAbsolutePath().getParent();
    for (int tries = 1; !Files.isDirectory(folder); tries++) {
      if (parent != null) {
        makeFolder(parent, made);
      }
      try {
        Files.createDirectory(folder);
        made.add(folder);
      } catch (FileAlreadyExistsException | NoSuchFileException raced) {
        if (tries == MOST_TRIES) {
          throw noFolder(folder, Errno.EEXIST);
        }
      } catch (IOException refused) {
        throw noFolder(folder, Errno.EPERM);
      }
    }
  }

  private static KernelException noFolder(Path folder, Errno errno) {
    return new KernelException(
        "mkdir",
        folder.toString(),
        errno.number(),
        "pins need a folder in a bpf file system (mount -t bpf bpf /sys/fs/bpf), without dots in its name");
  }

  private static void removeAll(List<Path> made, Throwable reason) {
    for (Path path : made.reversed()) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        reason.addSuppressed(e);
      }
    }
  }

  /** {@return what was loaded} */
  public BpfObjectSpec spec() {
    return spec;
  }

  /**
   * A map of this object, also one that it took over.
   *
   * @param name in C; global data goes by the name of its section, such as {@code .bss}
   * @return closed with this object
   * @throws IllegalArgumentException when there is none; the message lists those that there are
   */
  public BpfMap map(String name) {
    Objects.requireNonNull(name, "name");
    return named("map", name, maps);
  }

  /**
   * A program of this object.
   *
   * @param name of its function in C
   * @return closed with this object
   * @throws IllegalArgumentException when there is none; the message lists those that there are
   */
  public BpfProgram program(String name) {
    Objects.requireNonNull(name, "name");
    return named("program", name, programs);
  }

  private <T> T named(String what, String name, Map<String, T> all) {
    T found = all.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          spec.name()
              + " has no "
              + what
              + " "
              + name
              + ", only "
              + all.keySet().stream().sorted().toList()
              + ".");
    }
    return found;
  }

  @Override
  public void close() {
    closeAll(owned);
  }

  private static void closeAll(List<AutoCloseable> all) {
    for (AutoCloseable each : all) {
      try {
        each.close();
      } catch (Exception e) {
        throw new IllegalStateException("Closing a descriptor failed: " + each, e);
      }
    }
  }
}
