// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culvert.kernel.BpfObjectSpec.MapSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * bpf(2), one method for each command. The only place that knows the layout of union bpf_attr
 * (source: linux/bpf.h); offsets below are in bytes within it.
 *
 * <p>Unless they say otherwise, methods return what the system call does: a descriptor or 0, or the
 * negated errno. Usable from any thread.
 */
final class Bpf {
  static final int MAP_CREATE = 0;
  static final int MAP_LOOKUP_ELEM = 1;
  static final int MAP_UPDATE_ELEM = 2;
  static final int MAP_DELETE_ELEM = 3;
  static final int MAP_GET_NEXT_KEY = 4;
  static final int PROG_LOAD = 5;
  static final int OBJ_PIN = 6;
  static final int OBJ_GET = 7;
  static final int PROG_TEST_RUN = 10;
  static final int PROG_GET_FD_BY_ID = 13;
  static final int OBJ_GET_INFO_BY_FD = 15;
  static final int BTF_LOAD = 18;
  static final int MAP_FREEZE = 22;
  static final int MAP_UPDATE_BATCH = 26;
  static final int MAP_DELETE_BATCH = 27;
  static final int LINK_CREATE = 28;
  static final int LINK_UPDATE = 29;
  static final int ENABLE_STATS = 32;
  static final int LINK_DETACH = 34;

  /**
   * The kernel wants everything behind the fields of a command to be zero, and takes any size then.
   */
  private static final int ATTR_BYTES = 128;

  private static final int NAME_BYTES = 16;
  private static final int RETRIES = 100;
  private static final MemorySegment NONE = MemorySegment.NULL;

  private final Libc libc;

  // One for each thread, used again from call to call: writing a map entry allocates nothing.
  private final ThreadLocal<MemorySegment> attr =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(ATTR_BYTES, 8));

  Bpf(Libc libc) {
    this.libc = libc;
  }

  Libc libc() {
    return libc;
  }

  /** BTF type ids and descriptor of a map; all 0 for none. */
  record MapTypes(int btfFd, int keyTypeId, int valueTypeId) {
    static final MapTypes NONE = new MapTypes(0, 0, 0);
  }

  /** What BPF_PROG_LOAD takes; btfFd 0 for none. */
  record ProgramLoad(
      String name, ProgramKind kind, ProgramLinker.Linked code, String license, int btfFd) {}

  /** What BPF_PROG_TEST_RUN takes: native segments, the context may be empty. */
  record TestInput(MemorySegment packet, MemorySegment context, MemorySegment out, int repeat) {}

  /** What BPF_PROG_TEST_RUN gives; result as the system call's, duration in ns. */
  record TestOutput(int result, int returnValue, int outBytes, int durationNs) {}

  /**
   * @param innerMapFd a map like those that a map of maps holds; 0 for other maps
   */
  int mapCreate(MapSpec spec, MapTypes types, int innerMapFd) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, spec.type());
    a.set(JAVA_INT, 4, spec.keyBytes());
    a.set(JAVA_INT, 8, spec.valueBytes());
    a.set(JAVA_INT, 12, spec.maxEntries());
    a.set(JAVA_INT, 16, spec.flags());
    a.set(JAVA_INT, 20, innerMapFd);
    setName(a, 28, spec.name());
    a.set(JAVA_INT, 48, types.btfFd());
    a.set(JAVA_INT, 52, types.keyTypeId());
    a.set(JAVA_INT, 56, types.valueTypeId());
    return call(MAP_CREATE, a);
  }

  int mapLookup(int fd, long key, long value) {
    return element(MAP_LOOKUP_ELEM, fd, key, value, 0);
  }

  int mapUpdate(int fd, long key, long value, long flags) {
    return element(MAP_UPDATE_ELEM, fd, key, value, flags);
  }

  int mapDelete(int fd, long key) {
    return element(MAP_DELETE_ELEM, fd, key, 0, 0);
  }

  /** Key 0 asks for the first one. */
  int mapNextKey(int fd, long key, long next) {
    return element(MAP_GET_NEXT_KEY, fd, key, next, 0);
  }

  private int element(int command, int fd, long key, long value, long flags) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, fd);
    a.set(JAVA_LONG, 8, key);
    a.set(JAVA_LONG, 16, value);
    a.set(JAVA_LONG, 24, flags);
    return call(command, a);
  }

  /**
   * Updates or deletes many entries. Why it stopped before the end, the next single call will tell.
   *
   * @param values 0 for BPF_MAP_DELETE_BATCH
   * @return how many of the first entries are surely done
   */
  int mapBatch(int command, int fd, long keys, long values, int count) {
    MemorySegment a = cleared();
    a.set(JAVA_LONG, 16, keys);
    a.set(JAVA_LONG, 24, values);
    a.set(JAVA_INT, 32, count);
    a.set(JAVA_INT, 36, fd);
    if (call(command, a) >= 0) {
      return count;
    }
    int done = a.get(JAVA_INT, 32);
    // Refused as a whole, the kernel leaves the count as we set it, and nothing is done.
    return done >= 0 && done < count ? done : 0;
  }

  int mapFreeze(int fd) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, fd);
    return call(MAP_FREEZE, a);
  }

  int btfLoad(byte[] btf) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      a.set(JAVA_LONG, 0, copy(arena, btf).address());
      a.set(JAVA_INT, 16, btf.length);
      return call(BTF_LOAD, a);
    }
  }

  /**
   * Loads a program. The instructions carry their map descriptors already.
   *
   * @param log where the verifier writes; empty for no log
   */
  int progLoad(ProgramLoad load, byte[] instructions, MemorySegment log) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      a.set(JAVA_INT, 0, load.kind().type());
      a.set(JAVA_INT, 4, instructions.length / ProgramLinker.INSTRUCTION_BYTES);
      a.set(JAVA_LONG, 8, copy(arena, instructions).address());
      a.set(JAVA_LONG, 16, arena.allocateFrom(load.license()).address());
      if (log.byteSize() > 0) {
        a.set(JAVA_INT, 24, 1);
        a.set(JAVA_INT, 28, (int) log.byteSize());
        a.set(JAVA_LONG, 32, log.address());
      }
      a.set(JAVA_INT, 44, load.kind().flags());
      setName(a, 48, load.name());
      a.set(JAVA_INT, 68, load.kind().attachType());
      if (load.btfFd() != 0) {
        a.set(JAVA_INT, 72, load.btfFd());
        ProgramLinker.DebugRecords functions = load.code().functions();
        a.set(JAVA_INT, 76, functions.recordBytes());
        a.set(JAVA_LONG, 80, copy(arena, functions.bytes()).address());
        a.set(JAVA_INT, 88, functions.count());
        ProgramLinker.DebugRecords lines = load.code().lines();
        a.set(JAVA_INT, 92, lines.recordBytes());
        a.set(JAVA_LONG, 96, copy(arena, lines.bytes()).address());
        a.set(JAVA_INT, 104, lines.count());
      }
      // The verifier gives up with EAGAIN when a signal comes, and a JVM has signals of its own.
      int result = call(PROG_LOAD, a);
      for (int i = 0; i < RETRIES && result == -Errno.EAGAIN.number(); i++) {
        result = call(PROG_LOAD, a);
      }
      return result;
    }
  }

  TestOutput testRun(int fd, TestInput input) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, fd);
    a.set(JAVA_INT, 8, (int) input.packet().byteSize());
    a.set(JAVA_INT, 12, (int) input.out().byteSize());
    a.set(JAVA_LONG, 16, input.packet().address());
    a.set(JAVA_LONG, 24, input.out().address());
    a.set(JAVA_INT, 32, input.repeat());
    if (input.context().byteSize() > 0) {
      a.set(JAVA_INT, 40, (int) input.context().byteSize());
      a.set(JAVA_LONG, 48, input.context().address());
    }
    int result = call(PROG_TEST_RUN, a);
    return new TestOutput(result, a.get(JAVA_INT, 4), a.get(JAVA_INT, 12), a.get(JAVA_INT, 36));
  }

  int pin(int fd, String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      a.set(JAVA_LONG, 0, arena.allocateFrom(path).address());
      a.set(JAVA_INT, 8, fd);
      return call(OBJ_PIN, a);
    }
  }

  int getPinned(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      a.set(JAVA_LONG, 0, arena.allocateFrom(path).address());
      return call(OBJ_GET, a);
    }
  }

  int progFdById(int id) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, id);
    return call(PROG_GET_FD_BY_ID, a);
  }

  /**
   * Reads struct bpf_prog_info, bpf_map_info or bpf_link_info; what the kernel has not stays 0.
   *
   * @param target what the descriptor is, for the error
   * @param bytes of the struct
   * @param read makes the result from the struct, which is gone afterwards
   * @throws KernelException when the kernel refuses
   */
  <T> T info(FileDescriptor fd, String target, int bytes, Function<MemorySegment, T> read) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(bytes, 8);
      MemorySegment a = cleared();
      a.set(JAVA_INT, 0, fd.number());
      a.set(JAVA_INT, 4, bytes);
      a.set(JAVA_LONG, 8, info.address());
      int result = call(OBJ_GET_INFO_BY_FD, a);
      if (result < 0) {
        throw BpfErrors.of("BPF_OBJ_GET_INFO_BY_FD", target, result);
      }
      return read.apply(info);
    }
  }

  int linkCreate(int programFd, int interfaceIndex, int attachType, int flags) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, programFd);
    a.set(JAVA_INT, 4, interfaceIndex);
    a.set(JAVA_INT, 8, attachType);
    a.set(JAVA_INT, 12, flags);
    return call(LINK_CREATE, a);
  }

  int linkUpdate(int linkFd, int programFd) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, linkFd);
    a.set(JAVA_INT, 4, programFd);
    return call(LINK_UPDATE, a);
  }

  int linkDetach(int linkFd) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, linkFd);
    return call(LINK_DETACH, a);
  }

  /**
   * @param type BPF_STATS_RUN_TIME
   */
  int enableStats(int type) {
    MemorySegment a = cleared();
    a.set(JAVA_INT, 0, type);
    return call(ENABLE_STATS, a);
  }

  private MemorySegment cleared() {
    return attr.get().fill((byte) 0);
  }

  private int call(int command, MemorySegment a) {
    try {
      return (int) libc.call(Syscall.BPF, command, a.address(), ATTR_BYTES, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(a);
    }
  }

  private static MemorySegment copy(Arena arena, byte[] bytes) {
    if (bytes.length == 0) {
      return NONE;
    }
    MemorySegment segment = arena.allocate(bytes.length, 8);
    MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 0, bytes.length);
    return segment;
  }

  /** The kernel takes 15 bytes of letters, digits, underscores and dots, and a zero. */
  private static void setName(MemorySegment a, int offset, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    MemorySegment.copy(bytes, 0, a, JAVA_BYTE, offset, Math.min(bytes.length, NAME_BYTES - 1));
  }
}
