// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.pin;

import dev.culvert.datapath.Identity;
import dev.culvert.datapath.Wires;
import dev.culvert.datapath.table.Layouts;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfFileSystem;
import dev.culvert.kernel.system.Successor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * One instance's folder on a BPF file system: what keeps packets flowing without the agent.
 *
 * <pre>
 *   subnets4, endpoints4, ...   maps, by name
 *   links/from_underlay         attachments: the program's name, then what tells it from others
 *   programs/from_underlay      the programs that the links run
 *   containers/WHERE            for whom an interface was let in that somebody else made
 *   word                        what one control plane leaves for the next
 *   wires                       ports and VNIs, where the network was changed while it ran
 *   abi, identity, ...          symbolic links whose target is the text itself: a BPF file system
 *                               holds no plain files, but it does hold these, and renames them
 *                               atomically
 * </pre>
 */
public final class Pins {
  private static final String ABI = "abi";
  private static final String IDENTITY = "identity";
  private static final String WORD = "word";
  private static final String WIRES = "wires";
  private static final String LINKS = "links";
  private static final String PROGRAMS = "programs";
  private static final String CONTAINERS = "containers";

  private final Path folder;

  private Pins(Path folder) {
    this.folder = folder;
  }

  /**
   * Makes the folder where it is missing.
   *
   * @throws RefusedException when it does not lie on a BPF file system
   */
  public static Pins create(Libc libc, Path folder) {
    Path absolute = folder.toAbsolutePath().normalize();
    if (String.valueOf(absolute.getFileName()).indexOf('.') >= 0) {
      throw new RefusedException(
          "The pin folder "
              + absolute
              + " has a dot in its name, which a BPF file system refuses: name it without.");
    }
    requireBpfFileSystem(libc, absolute);
    Pins pins = new Pins(absolute);
    try {
      Files.createDirectories(absolute.resolve(LINKS));
      Files.createDirectories(absolute.resolve(PROGRAMS));
    } catch (IOException e) {
      throw new RefusedException(
          "The pin folder " + absolute + " could not be made: is this root? (" + e + ")", e);
    }
    return pins;
  }

  /**
   * A folder that is there.
   *
   * @throws RefusedException when there is none, or it holds no pins of ours, or those of another
   *     version
   */
  public static Pins existing(Path folder) {
    Path absolute = folder.toAbsolutePath().normalize();
    Pins pins = new Pins(absolute);
    if (!Files.isDirectory(absolute)) {
      throw new RefusedException(
          "There is no datapath pinned at "
              + absolute
              + ": start the agent, or name another folder (and look as root, where"
              + " /sys/fs/bpf is the agent's).");
    }
    if (pins.abi().isEmpty()) {
      throw new RefusedException(
          "The folder " + absolute + " holds no pins of Culvert's: name the agent's pin folder.");
    }
    pins.requireAbi();
    return pins;
  }

  /** A folder whatever it holds, of whatever version, to take away what is left there. */
  public static Pins leftBehind(Path folder) {
    return new Pins(folder.toAbsolutePath().normalize());
  }

  private static void requireBpfFileSystem(Libc libc, Path folder) {
    Path existing = folder;
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!new BpfFileSystem(libc).contains(existing)) {
      throw new RefusedException(
          "The pin folder "
              + folder
              + " does not lie on a BPF file system, which alone can hold pins. Mount one: mount"
              + " -t bpf bpf "
              + (folder.startsWith(BpfFileSystem.DEFAULT) ? BpfFileSystem.DEFAULT : existing));
    }
  }

  public Path folder() {
    return folder;
  }

  /** The instance's name: that of its folder. */
  public String instance() {
    return folder.getFileName().toString();
  }

  public Path map(String name) {
    return folder.resolve(name);
  }

  public Path link(String name) {
    return folder.resolve(LINKS).resolve(name);
  }

  public Path program(String name) {
    return folder.resolve(PROGRAMS).resolve(name);
  }

  /** Names of the pinned links. */
  public List<String> links() {
    return names(folder.resolve(LINKS));
  }

  /** Names of the pinned programs. */
  public List<String> programs() {
    return names(folder.resolve(PROGRAMS));
  }

  private static List<String> names(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new RefusedException(
          "The pins in " + directory + " could not be listed: " + e + ".", e);
    }
  }

  /** Version of the layouts behind these pins; empty in a new folder. */
  public Optional<String> abi() {
    return text(folder.resolve(ABI));
  }

  /**
   * Claims the folder for this version's layouts.
   *
   * @throws RefusedException when it holds those of another
   */
  public void claim() {
    requireAbi();
    if (abi().isEmpty()) {
      setText(folder.resolve(ABI), Integer.toString(Layouts.ABI_VERSION));
    }
  }

  /**
   * Sees to it that the folder is new or holds this version's layouts.
   *
   * @throws RefusedException when it holds those of another
   */
  public void requireAbi() {
    abi()
        .filter(pinned -> !pinned.equals(Integer.toString(Layouts.ABI_VERSION)))
        .ifPresent(pinned -> {
          throw new RefusedException(
              "The maps pinned at "
                  + folder
                  + " have layout version "
                  + pinned
                  + ", this Culvert has version "
                  + Layouts.ABI_VERSION
                  + ": run the version that made them, or take them away with it (culvert"
                  + " leave) and start anew.");
        });
  }

  public Optional<Identity> identity() {
    return text(folder.resolve(IDENTITY)).map(IdentityText::parse);
  }

  public void setIdentity(Identity identity) {
    setText(folder.resolve(IDENTITY), IdentityText.of(identity));
  }

  /** What was left for the next process; empty when nothing was. */
  public Optional<String> word() {
    return text(folder.resolve(WORD));
  }

  public void setWord(String word) {
    setText(folder.resolve(WORD), word);
  }

  /** What packets the programs take; empty where nobody changed that while they ran. */
  public Optional<Wires> wires() {
    return text(folder.resolve(WIRES)).map(IdentityText::parseWires);
  }

  public void setWires(Wires wires) {
    setText(folder.resolve(WIRES), IdentityText.of(wires));
  }

  /** From now on the programs take packets of one port, and of the network's own VNI. */
  public void clearWires() {
    delete(folder.resolve(WIRES));
  }

  /** A text of one line that was kept for a container; empty when there is none. */
  public Optional<String> note(String where) {
    return text(folder.resolve(CONTAINERS).resolve(where));
  }

  /**
   * Keeps a text for a container, until it is deleted or the folder is.
   *
   * @param text shorter than PATH_MAX (4096 bytes)
   */
  public void setNote(String where, String text) {
    Path notes = folder.resolve(CONTAINERS);
    try {
      Files.createDirectories(notes); // folders of older versions lack it
    } catch (IOException e) {
      throw new RefusedException("The folder " + notes + " could not be made: " + e + ".", e);
    }
    setText(notes.resolve(where), text);
  }

  public void deleteNote(String where) {
    delete(folder.resolve(CONTAINERS).resolve(where));
  }

  /** The text of a symbolic link; empty when there is none of that path. */
  public static Optional<String> text(Path link) {
    try {
      return Files.isSymbolicLink(link)
          ? Optional.of(Files.readSymbolicLink(link).toString())
          : Optional.empty();
    } catch (IOException e) {
      throw new RefusedException(link + " could not be read: " + e + ".", e);
    }
  }

  public static void setText(Path link, String text) {
    Successor next = new Successor(link);
    try {
      next.make(path -> Files.createSymbolicLink(path, Path.of(text)));
      next.takeOver();
    } catch (IOException e) {
      throw new RefusedException(link + " could not be written: " + e + ".", e);
    }
  }

  /** Pins an object by {@code pin}, in place of what was pinned there. */
  public static void replace(Path path, Consumer<Path> pin) {
    Successor next = new Successor(path);
    try {
      next.make(pin::accept);
      next.takeOver();
    } catch (IOException e) {
      throw new RefusedException("The pin " + path + " could not be replaced: " + e + ".", e);
    }
  }

  /** Takes one pin away; one that is gone already is no error. */
  public static void delete(Path pin) {
    try {
      Files.deleteIfExists(pin);
    } catch (IOException e) {
      throw new RefusedException("The pin " + pin + " could not be removed: " + e + ".", e);
    }
  }

  /**
   * Takes away what this class and the loader put here, then the folder, and the folder {@code
   * culvert} above it; a folder that holds anything else stays.
   */
  public void removeAll(List<String> maps) {
    links().forEach(name -> delete(link(name)));
    programs().forEach(name -> delete(program(name)));
    for (String name : maps) {
      delete(map(name));
      delete(new Successor(map(name)).beside()); // left by an agent that died in the middle
    }
    names(folder.resolve(CONTAINERS)).forEach(this::deleteNote);
    for (String text : List.of(IDENTITY, WORD, WIRES, ABI)) {
      delete(folder.resolve(text));
      delete(
          new Successor(folder.resolve(text)).beside()); // left by an agent that died in the middle
    }
    for (String inside : List.of(LINKS, PROGRAMS, CONTAINERS)) {
      deleteIfEmpty(folder.resolve(inside));
    }
    deleteIfEmpty(folder);
    if (folder.getParent().endsWith("culvert")) {
      deleteIfEmpty(folder.getParent());
    }
  }

  private static void deleteIfEmpty(Path directory) {
    if (Files.isDirectory(directory) && names(directory).isEmpty()) {
      delete(directory);
    }
  }
}
