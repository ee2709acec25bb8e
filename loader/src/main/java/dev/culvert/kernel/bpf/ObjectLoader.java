// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfObjectSpec.DataMap;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.Program;
import dev.culvert.kernel.object.ProgramLinker;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One load of one object, step by step. Whoever drives it closes {@link #owned()} on failure. */
final class ObjectLoader {
  private static final System.Logger LOG = System.getLogger(ObjectLoader.class.getName());
  private static final int FIRST_LOG_BYTES = 1 << 16;
  private static final int LAST_LOG_BYTES = 1 << 26;

  private final Bpf bpf;
  private final BpfObjectSpec spec;
  private final Map<String, BpfMap> maps = new LinkedHashMap<>();

  /** Maps of another size, whose entries go into those that are made in their place. */
  private final Map<String, BpfMap> former = new LinkedHashMap<>();

  private final Map<String, BpfProgram> programs = new LinkedHashMap<>();
  private final List<AutoCloseable> owned = new ArrayList<>();

  ObjectLoader(Libc libc, BpfObjectSpec spec) {
    this.bpf = new Bpf(libc);
    this.spec = spec;
  }

  BpfObjectSpec spec() {
    return spec;
  }

  Map<String, BpfMap> maps() {
    return maps;
  }

  Map<String, BpfProgram> programs() {
    return programs;
  }

  List<AutoCloseable> owned() {
    return owned;
  }

  <T extends AutoCloseable> T own(T resource) {
    owned.add(resource);
    return resource;
  }

  private MapSpec wanted(String name) {
    return spec.maps().stream()
        .filter(m -> m.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                spec.name() + " has no map " + name + " to be replaced by another."))
        .complete();
  }

  /** Whether a map could be the object's own, but for how many entries it takes. */
  boolean differsInSizeAlone(String name, BpfMap map) {
    MapSpec wanted = wanted(name);
    MapSpec found = map.info().spec();
    return found.maxEntries() != wanted.maxEntries()
        && wanted.withMaxEntries(found.maxEntries()).isLike(found);
  }

  /** The object's own map will hold all that this one does. */
  void carryOver(String name, BpfMap map) {
    former.put(name, map);
  }

  /** Takes a map in place of the object's own. */
  void reuse(String name, BpfMap map, String description) {
    MapSpec wanted = wanted(name);
    MapSpec found = map.info().spec();
    if (!wanted.isLike(found)) {
      throw new RefusedException(
          description
              + " has another layout ("
              + layout(found)
              + ") than "
              + spec.name()
              + " needs ("
              + layout(wanted)
              + "): remove it, or use the version that made it.");
    }
    maps.put(name, map);
  }

  private static String layout(MapSpec map) {
    return "type "
        + map.type()
        + ", key of "
        + map.keyBytes()
        + " bytes, value of "
        + map.valueBytes()
        + " bytes, "
        + map.maxEntries()
        + " entries, flags 0x"
        + Integer.toHexString(map.flags());
  }

  void load() {
    // The kernel's maps and programs hold their BTF themselves; the descriptor is for creating
    // them.
    try (FileDescriptor btf = loadBtf()) {
      int btfFd = btf == null ? 0 : btf.number();
      List<MapDefinitions.Definition> made = new ArrayList<>();
      for (MapDefinitions.Definition map : spec.mapDefinitions()) {
        if (!maps.containsKey(map.spec().name())) {
          maps.put(map.spec().name(), own(create(map, btfFd)));
          made.add(map);
        }
      }
      made.forEach(this::fill);
      former.forEach((name, map) -> maps.get(name).copyFrom(map));
      for (DataMap data : spec.dataMaps()) {
        maps.put(data.section(), createData(data, btfFd));
      }
      for (Program program : spec.linkedPrograms()) {
        programs.put(program.spec().name(), own(loadProgram(program, btfFd)));
      }
    }
  }

  private BpfMap create(MapDefinitions.Definition map, int btfFd) {
    Bpf.MapTypes types = mapTypes(btfFd, map.types().key(), map.types().value());
    if (map.inner().isEmpty()) {
      return BpfMap.create(bpf, map.spec(), types, 0);
    }
    // The kernel wants to see one such map, and keeps what it learnt, not the map.
    try (BpfMap example = BpfMap.create(bpf, map.inner().get().like(), Bpf.MapTypes.NONE, 0)) {
      return BpfMap.create(bpf, map.spec(), types, example.fd());
    }
  }

  /** Puts the maps into a map of maps that it is initialised with; one taken over keeps its own. */
  private void fill(MapDefinitions.Definition outer) {
    if (outer.inner().isEmpty()) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment place = arena.allocate(JAVA_INT);
      MemorySegment fd = arena.allocate(JAVA_INT);
      outer
          .inner()
          .get()
          .initial()
          .forEach((index, inner) -> {
            place.set(JAVA_INT, 0, index);
            fd.set(JAVA_INT, 0, maps.get(inner).fd());
            putInner(maps.get(outer.spec().name()), place, fd, inner);
          });
    }
  }

  private void putInner(BpfMap outer, MemorySegment place, MemorySegment fd, String inner) {
    try {
      outer.put(place, fd, BpfMap.ANY);
    } catch (KernelException e) {
      if (e.errno() != Errno.EINVAL) {
        throw e;
      }
      throw new RefusedException(
          spec.name()
              + ": the map "
              + outer.name()
              + " takes no such map as "
              + inner
              + ": type, sizes, flags and, for arrays, max_entries must be as in its definition.",
          e);
    }
  }

  /** Null when this kernel does not take the object's BTF: programs run without. */
  private FileDescriptor loadBtf() {
    int result = bpf.btfLoad(spec.btf().toBytes());
    if (result >= 0) {
      return new FileDescriptor(bpf.libc(), result);
    }
    if (Errno.of(-result) == Errno.EINVAL) {
      LOG.log(
          System.Logger.Level.INFO,
          "This kernel does not take the BTF of {0}; going on without, so bpftool cannot name its fields.",
          spec.name());
      return null;
    }
    throw BpfErrors.of("BPF_BTF_LOAD", spec.name(), result);
  }

  private static Bpf.MapTypes mapTypes(int btfFd, int keyTypeId, int valueTypeId) {
    boolean known = btfFd != 0 && valueTypeId != 0;
    return known ? new Bpf.MapTypes(btfFd, keyTypeId, valueTypeId) : Bpf.MapTypes.NONE;
  }

  private BpfMap createData(DataMap data, int btfFd) {
    BpfMap map = own(BpfMap.create(bpf, data.spec(), mapTypes(btfFd, 0, data.btfTypeId()), 0));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(data.image().length, 8);
      MemorySegment.copy(data.image(), 0, image, JAVA_BYTE, 0, data.image().length);
      map.put(arena.allocate(4, 4), image, BpfMap.ANY);
    }
    if (data.readOnly()) {
      map.freeze();
    }
    return map;
  }

  private BpfProgram loadProgram(Program program, int btfFd) {
    byte[] instructions = program.linked().instructions().clone();
    ByteBuffer code = ByteBuffer.wrap(instructions).order(ByteOrder.LITTLE_ENDIAN);
    for (ProgramLinker.MapReference reference : program.linked().maps()) {
      int at = reference.index() * ProgramLinker.INSTRUCTION_BYTES;
      code.putInt(at + 4, maps.get(reference.map()).fd());
    }
    String name = program.spec().name();
    Bpf.ProgramLoad load =
        new Bpf.ProgramLoad(name, program.kind(), program.linked(), spec.license(), btfFd);
    int result = bpf.progLoad(load, instructions, MemorySegment.NULL);
    if (result < 0) {
      result = loadWithLog(load, instructions, result);
    }
    return new BpfProgram(bpf, new FileDescriptor(bpf.libc(), result), name);
  }

  /** Writing the log costs much, so only a program that failed gets one. */
  private int loadWithLog(Bpf.ProgramLoad load, byte[] instructions, int firstResult) {
    for (int bytes = FIRST_LOG_BYTES; bytes <= LAST_LOG_BYTES; bytes *= 4) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment log = arena.allocate(bytes);
        int result = bpf.progLoad(load, instructions, log);
        if (result >= 0) {
          return result;
        }
        if (result != -Errno.ENOSPC.number()) {
          throw rejected(load, result, log.getString(0));
        }
      }
    }
    throw rejected(load, firstResult, "");
  }

  private static KernelException rejected(Bpf.ProgramLoad load, int result, String log) {
    if (log.isBlank()) {
      return BpfErrors.of("BPF_PROG_LOAD", "program " + load.name(), result);
    }
    String hint = result == -Errno.EPERM.number() ? "or run it with more privileges" : "";
    return new VerifierRejected(load.name(), -result, hint, log);
  }
}
