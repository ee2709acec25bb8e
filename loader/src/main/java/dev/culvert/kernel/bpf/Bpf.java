// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.bpf.BpfStructs.BtfLoad;
import dev.culvert.kernel.bpf.BpfStructs.EnableStats;
import dev.culvert.kernel.bpf.BpfStructs.GetId;
import dev.culvert.kernel.bpf.BpfStructs.GetInfo;
import dev.culvert.kernel.bpf.BpfStructs.LinkCreate;
import dev.culvert.kernel.bpf.BpfStructs.LinkDetach;
import dev.culvert.kernel.bpf.BpfStructs.LinkUpdate;
import dev.culvert.kernel.bpf.BpfStructs.MapBatch;
import dev.culvert.kernel.bpf.BpfStructs.MapCreate;
import dev.culvert.kernel.bpf.BpfStructs.MapElement;
import dev.culvert.kernel.bpf.BpfStructs.Pin;
import dev.culvert.kernel.bpf.BpfStructs.ProgLoad;
import dev.culvert.kernel.bpf.BpfStructs.ProgQuery;
import dev.culvert.kernel.bpf.BpfStructs.TestRun;
import dev.culvert.kernel.object.ProgramLinker;
import dev.culvert.kernel.object.StructLayout;
import dev.culvert.kernel.object.StructLayout.Field;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * bpf(2), one method for each command (source: linux/bpf.h). What union bpf_attr holds for each
 * stands in {@link BpfStructs}.
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
  static final int PROG_QUERY = 16;
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
      String name, ProgramKind kind, ProgramLinker.Linked code, String license, int btfFd) {
    static ProgramLoad withoutBtf(
        String name, ProgramKind kind, ProgramLinker.Linked code, String license) {
      return new ProgramLoad(name, kind, code, license, 0);
    }
  }

  /** What BPF_PROG_TEST_RUN takes: native segments, the context may be empty. */
  record TestInput(
      MemorySegment packet, MemorySegment context, MemorySegment out, int repeat, int flags) {}

  /** What BPF_PROG_TEST_RUN gives; result as the system call's, duration in ns. */
  record TestOutput(int result, int returnValue, int outBytes, int durationNs) {}

  /**
   * @param innerMapFd a map like those that a map of maps holds; 0 for other maps
   */
  int mapCreate(MapSpec spec, MapTypes types, int innerMapFd) {
    MemorySegment a = cleared();
    set(a, MapCreate.TYPE, spec.type());
    set(a, MapCreate.KEY_SIZE, spec.keyBytes());
    set(a, MapCreate.VALUE_SIZE, spec.valueBytes());
    set(a, MapCreate.MAX_ENTRIES, spec.maxEntries());
    set(a, MapCreate.FLAGS, spec.flags());
    set(a, MapCreate.INNER_MAP_FD, innerMapFd);
    setName(a, MapCreate.NAME, spec.name());
    set(a, MapCreate.BTF_FD, types.btfFd());
    set(a, MapCreate.KEY_TYPE_ID, types.keyTypeId());
    set(a, MapCreate.VALUE_TYPE_ID, types.valueTypeId());
    return call(MAP_CREATE, a);
  }

  int mapLookup(int fd, long key, long value) {
    return call(MAP_LOOKUP_ELEM, element(fd, key, value));
  }

  int mapUpdate(int fd, long key, long value, long flags) {
    MemorySegment a = element(fd, key, value);
    setLong(a, MapElement.FLAGS, flags);
    return call(MAP_UPDATE_ELEM, a);
  }

  int mapDelete(int fd, long key) {
    return call(MAP_DELETE_ELEM, element(fd, key, 0));
  }

  /** Key 0 asks for the first one. */
  int mapNextKey(int fd, long key, long next) {
    return call(MAP_GET_NEXT_KEY, element(fd, key, next));
  }

  private MemorySegment element(int fd, long key, long value) {
    MemorySegment a = cleared();
    set(a, MapElement.MAP_FD, fd);
    setLong(a, MapElement.KEY, key);
    setLong(a, MapElement.VALUE, value);
    return a;
  }

  /**
   * Updates many entries. Why it stopped before the end, the next single call will tell.
   *
   * @return how many of the first entries are surely done
   */
  int mapUpdateBatch(int fd, long keys, long values, int count) {
    MemorySegment a = entries(fd, keys, count);
    setLong(a, MapBatch.VALUES, values);
    return batch(MAP_UPDATE_BATCH, a, count);
  }

  /** Deletes many entries; otherwise as {@link #mapUpdateBatch}. */
  int mapDeleteBatch(int fd, long keys, int count) {
    return batch(MAP_DELETE_BATCH, entries(fd, keys, count), count);
  }

  private MemorySegment entries(int fd, long keys, int count) {
    MemorySegment a = cleared();
    setLong(a, MapBatch.KEYS, keys);
    set(a, MapBatch.COUNT, count);
    set(a, MapBatch.MAP_FD, fd);
    return a;
  }

  private int batch(int command, MemorySegment a, int count) {
    if (call(command, a) >= 0) {
      return count;
    }
    int done = get(a, MapBatch.COUNT);
    // Refused as a whole, the kernel leaves the count as we set it, and nothing is done.
    return done >= 0 && done < count ? done : 0;
  }

  int mapFreeze(int fd) {
    MemorySegment a = cleared();
    set(a, MapElement.MAP_FD, fd);
    return call(MAP_FREEZE, a);
  }

  int btfLoad(byte[] btf) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      setLong(a, BtfLoad.BTF, copy(arena, btf).address());
      set(a, BtfLoad.SIZE, btf.length);
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
      set(a, ProgLoad.TYPE, load.kind().type());
      set(a, ProgLoad.INSTRUCTION_COUNT, instructions.length / ProgramLinker.INSTRUCTION_BYTES);
      setLong(a, ProgLoad.INSTRUCTIONS, copy(arena, instructions).address());
      setLong(a, ProgLoad.LICENSE, arena.allocateFrom(load.license()).address());
      if (log.byteSize() > 0) {
        set(a, ProgLoad.LOG_LEVEL, 1);
        set(a, ProgLoad.LOG_SIZE, (int) log.byteSize());
        setLong(a, ProgLoad.LOG, log.address());
      }
      set(a, ProgLoad.FLAGS, load.kind().flags());
      setName(a, ProgLoad.NAME, load.name());
      set(a, ProgLoad.ATTACH_TYPE, load.kind().attachType());
      if (load.btfFd() != 0) {
        set(a, ProgLoad.BTF_FD, load.btfFd());
        setDebugRecords(a, arena, load.code());
      }
      // The verifier gives up with EAGAIN when a signal comes, and a JVM has signals of its own.
      int result = call(PROG_LOAD, a);
      for (int i = 0; i < RETRIES && result == -Errno.EAGAIN.number(); i++) {
        result = call(PROG_LOAD, a);
      }
      return result;
    }
  }

  private static void setDebugRecords(MemorySegment a, Arena arena, ProgramLinker.Linked code) {
    ProgramLinker.DebugRecords functions = code.functions();
    set(a, ProgLoad.FUNCTION_RECORD_SIZE, functions.recordBytes());
    setLong(a, ProgLoad.FUNCTIONS, copy(arena, functions.bytes()).address());
    set(a, ProgLoad.FUNCTION_COUNT, functions.count());
    ProgramLinker.DebugRecords lines = code.lines();
    set(a, ProgLoad.LINE_RECORD_SIZE, lines.recordBytes());
    setLong(a, ProgLoad.LINES, copy(arena, lines.bytes()).address());
    set(a, ProgLoad.LINE_COUNT, lines.count());
  }

  TestOutput testRun(int fd, TestInput input) {
    MemorySegment a = cleared();
    set(a, TestRun.PROG_FD, fd);
    set(a, TestRun.IN_SIZE, (int) input.packet().byteSize());
    set(a, TestRun.OUT_SIZE, (int) input.out().byteSize());
    setLong(a, TestRun.IN, input.packet().address());
    setLong(a, TestRun.OUT, input.out().address());
    set(a, TestRun.REPEAT, input.repeat());
    set(a, TestRun.FLAGS, input.flags());
    if (input.context().byteSize() > 0) {
      set(a, TestRun.CONTEXT_SIZE, (int) input.context().byteSize());
      setLong(a, TestRun.CONTEXT, input.context().address());
    }
    int result = call(PROG_TEST_RUN, a);
    return new TestOutput(
        result, get(a, TestRun.RETURN_VALUE), get(a, TestRun.OUT_SIZE), get(a, TestRun.DURATION));
  }

  int pin(int fd, String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      setLong(a, Pin.PATH, arena.allocateFrom(path).address());
      set(a, Pin.FD, fd);
      return call(OBJ_PIN, a);
    }
  }

  int getPinned(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = cleared();
      setLong(a, Pin.PATH, arena.allocateFrom(path).address());
      return call(OBJ_GET, a);
    }
  }

  /**
   * Programs attached to an interface.
   *
   * @param ids where the kernel writes their ids
   * @return how many, or the negated errno
   */
  int progQuery(int interfaceIndex, int attachType, MemorySegment ids) {
    MemorySegment a = cleared();
    set(a, ProgQuery.INTERFACE_INDEX, interfaceIndex);
    set(a, ProgQuery.ATTACH_TYPE, attachType);
    setLong(a, ProgQuery.IDS, ids.address());
    set(a, ProgQuery.COUNT, (int) (ids.byteSize() / Integer.BYTES));
    int result = call(PROG_QUERY, a);
    return result < 0 ? result : get(a, ProgQuery.COUNT);
  }

  int progFdById(int id) {
    MemorySegment a = cleared();
    set(a, GetId.PROG_ID, id);
    return call(PROG_GET_FD_BY_ID, a);
  }

  /**
   * Reads what the kernel tells about an object; what it has not stays 0.
   *
   * @param target what the descriptor is, for the error
   * @param layout one of {@link BpfInfo}
   * @param read makes the result from the struct, which is gone afterwards
   * @throws KernelException when the kernel refuses
   */
  <T> T info(
      FileDescriptor fd, String target, StructLayout layout, Function<MemorySegment, T> read) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(layout.sizeBytes(), 8);
      MemorySegment a = cleared();
      set(a, GetInfo.FD, fd.number());
      set(a, GetInfo.SIZE, layout.sizeBytes());
      setLong(a, GetInfo.INFO, info.address());
      int result = call(OBJ_GET_INFO_BY_FD, a);
      if (result < 0) {
        throw BpfErrors.of("BPF_OBJ_GET_INFO_BY_FD", target, result);
      }
      return read.apply(info);
    }
  }

  int linkCreate(int programFd, int interfaceIndex, int attachType, int flags) {
    MemorySegment a = cleared();
    set(a, LinkCreate.PROG_FD, programFd);
    set(a, LinkCreate.INTERFACE_INDEX, interfaceIndex);
    set(a, LinkCreate.ATTACH_TYPE, attachType);
    set(a, LinkCreate.FLAGS, flags);
    return call(LINK_CREATE, a);
  }

  int linkUpdate(int linkFd, int programFd) {
    MemorySegment a = cleared();
    set(a, LinkUpdate.LINK_FD, linkFd);
    set(a, LinkUpdate.PROG_FD, programFd);
    return call(LINK_UPDATE, a);
  }

  int linkDetach(int linkFd) {
    MemorySegment a = cleared();
    set(a, LinkDetach.LINK_FD, linkFd);
    return call(LINK_DETACH, a);
  }

  /**
   * @param type BPF_STATS_RUN_TIME
   */
  int enableStats(int type) {
    MemorySegment a = cleared();
    set(a, EnableStats.TYPE, type);
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

  /** A number of four bytes; numbers that C has unsigned may look negative here. */
  private static void set(MemorySegment a, Field field, int value) {
    field.set(a, 0, Integer.toUnsignedLong(value));
  }

  private static void setLong(MemorySegment a, Field field, long value) {
    field.set(a, 0, value);
  }

  private static int get(MemorySegment a, Field field) {
    return (int) field.get(a, 0);
  }

  /** The kernel takes 15 bytes of letters, digits, underscores and dots, and a zero. */
  private static void setName(MemorySegment a, Field field, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, BpfStructs.NAME_BYTES - 1);
    MemorySegment.copy(bytes, 0, a, JAVA_BYTE, field.offsetBytes(), length);
  }
}
