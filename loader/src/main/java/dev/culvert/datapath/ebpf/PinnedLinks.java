// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.pin.Pins;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.bpf.Link;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Attachments that outlive the agent: each is a link pinned as {@code PROGRAM} or {@code
 * PROGRAM-WHERE}, so that a later agent knows which program to put in its place.
 *
 * <p>Kernels before 6.6 have no such links at tc. A clsact filter stays by itself there; in the
 * pin's place lies a note of where it is, {@code clsact:INDEX:DIRECTION}.
 */
final class PinnedLinks {
  /** {@link Link#attachTc}, or what a test has in its place. */
  @FunctionalInterface
  interface Attacher {
    Link attach(Libc libc, BpfProgram program, int interfaceIndex, Link.Direction direction);
  }

  /** What a link says of its interface when that is gone. */
  private static final int GONE = 0;

  private static final String CLSACT = "clsact:";

  private final Libc libc;
  private final Pins pins;
  private final Attacher attacher;

  PinnedLinks(Libc libc, Pins pins) {
    this(libc, pins, Link::attachTc);
  }

  PinnedLinks(Libc libc, Pins pins, Attacher attacher) {
    this.libc = libc;
    this.pins = pins;
    this.attacher = attacher;
  }

  /** The folder that they lie in. */
  Pins pins() {
    return pins;
  }

  static String name(String program, String where) {
    return where.isEmpty() ? program : program + "-" + where;
  }

  static String programOf(String linkName) {
    int dash = linkName.indexOf('-');
    return dash < 0 ? linkName : linkName.substring(0, dash);
  }

  /**
   * Sees to it that the program runs on the interface: a link that does so already gets the program
   * in place of its own, atomically; one that belongs to another interface is taken off.
   */
  void ensure(String where, BpfProgram program, int interfaceIndex, Link.Direction direction) {
    String name = name(program.name(), where);
    if (replaced(name, program, interfaceIndex)) {
      return;
    }
    detach(name);
    try (Link link = attacher.attach(libc, program, interfaceIndex, direction)) {
      try {
        keep(link, name, direction);
      } catch (RuntimeException e) {
        link.detach();
        throw e;
      }
    }
  }

  /**
   * Sees to it that some version of the program runs there: a link that does so already is left
   * alone; one that somebody took off is attached anew.
   *
   * @return whether it had to be
   */
  boolean keep(String where, BpfProgram program, int interfaceIndex, Link.Direction direction) {
    boolean runs =
        interfaceIndex(name(program.name(), where)).filter(i -> i == interfaceIndex).isPresent();
    if (!runs) {
      ensure(where, program, interfaceIndex, direction);
    }
    return !runs;
  }

  /** The same for the one XDP program of an interface. */
  void ensureXdp(BpfProgram program, int interfaceIndex) {
    ensureXdp(program, interfaceIndex, Link::attachXdp);
  }

  /**
   * Natively, that is.
   *
   * @throws dev.culvert.kernel.KernelException when the driver refuses; then nothing is attached
   */
  void ensureNativeXdp(BpfProgram program, int interfaceIndex) {
    ensureXdp(program, interfaceIndex, Link::attachNativeXdp);
  }

  @FunctionalInterface
  private interface XdpAttacher {
    Link attach(Libc libc, BpfProgram program, int interfaceIndex);
  }

  private void ensureXdp(BpfProgram program, int interfaceIndex, XdpAttacher xdp) {
    if (replaced(program.name(), program, interfaceIndex)) {
      return;
    }
    detach(program.name());
    try (Link link = xdp.attach(libc, program, interfaceIndex)) {
      try {
        link.pin(pins.link(program.name()));
      } catch (RuntimeException e) {
        link.detach();
        throw e;
      }
    }
  }

  /** Whether a link of that name was on that interface: it has the program now. */
  private boolean replaced(String name, BpfProgram program, int interfaceIndex) {
    Optional<Link> present = open(name);
    if (present.isPresent()) {
      try (Link link = present.get()) {
        if (link.interfaceIndex() == interfaceIndex) {
          link.replace(program);
          return true;
        }
      }
    }
    return false;
  }

  private void keep(Link link, String name, Link.Direction direction) {
    Path pin = pins.link(name);
    link.pin(pin);
    if (!Files.exists(pin)) {
      Pins.setText(pin, CLSACT + link.interfaceIndex() + ":" + direction);
    }
  }

  /** Puts these programs in place of those behind all links; drops links of lost devices. */
  void replaceAll(Programs programs) {
    for (String name : pins.links()) {
      Optional<BpfProgram> program = programs.find(programOf(name));
      Optional<Link> present = open(name);
      if (program.isEmpty() || present.isEmpty()) {
        present.ifPresent(Link::close);
        detach(name);
        continue;
      }
      try (Link link = present.get()) {
        link.replace(program.get());
      }
    }
  }

  /** The interfaces that a program runs on, by what tells its pins apart. */
  Map<String, Integer> interfaces(String program) {
    Map<String, Integer> all = new TreeMap<>();
    for (String name : pins.links()) {
      if (programOf(name).equals(program)) {
        String where = name.equals(program) ? "" : name.substring(program.length() + 1);
        interfaceIndex(name).ifPresent(index -> all.put(where, index));
      }
    }
    return all;
  }

  /** Removes the pins of links whose interface is gone. */
  void dropVanished() {
    for (String name : pins.links()) {
      if (interfaceIndex(name).isEmpty()) {
        detach(name);
      }
    }
  }

  /** The interface of a link; empty when link or interface are gone. */
  Optional<Integer> interfaceIndex(String name) {
    Optional<Link> present = open(name);
    if (present.isEmpty()) {
      return Optional.empty();
    }
    try (Link link = present.get()) {
      return Optional.of(link.interfaceIndex());
    }
  }

  /** Takes the program off and the pin away; a link that is gone already is no error. */
  void detach(String name) {
    Optional<Link> present = open(name);
    if (present.isPresent()) {
      try (Link link = present.get()) {
        link.detach();
      }
    }
    Pins.delete(pins.link(name));
  }

  /** Takes a program off where it runs under a name that begins so, but for those listed. */
  void detachOthers(String program, String whereBegins, Set<String> keep) {
    Set<String> kept = keep.stream().map(where -> name(program, where)).collect(Collectors.toSet());
    for (String name : pins.links()) {
      if (name.startsWith(name(program, whereBegins)) && !kept.contains(name)) {
        detach(name);
      }
    }
  }

  void detachAll() {
    pins.links().forEach(this::detach);
  }

  /** The link behind a pin, to be closed; empty when it or its interface is gone. */
  private Optional<Link> open(String name) {
    Path pin = pins.link(name);
    Optional<String> note = Pins.text(pin);
    if (note.isPresent()) {
      String[] where = note.get().substring(CLSACT.length()).split(":", -1);
      return Link.findClsact(
          libc, programOf(name), Integer.parseInt(where[0]), Link.Direction.valueOf(where[1]));
    }
    if (!Files.exists(pin, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Link link = Link.openPinned(libc, pin);
    if (link.interfaceIndex() == GONE) {
      link.close();
      return Optional.empty();
    }
    return Optional.of(link);
  }
}
