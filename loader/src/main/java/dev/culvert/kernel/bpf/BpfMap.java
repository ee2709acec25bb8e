// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.host.PossibleCpus;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * A kernel map, by raw bytes. Keys and values are native segments of exactly {@link #keyBytes()}
 * and {@link #valueSlotBytes()}; nothing is copied or allocated on the way to the kernel. Methods
 * may be called from any thread.
 */
public final class BpfMap implements AutoCloseable {
  /** BPF_ANY: writes an entry, whether its key is there or not. */
  public static final long ANY = 0;

  /** BPF_NOEXIST: makes an entry, or is refused with EEXIST. */
  public static final long NO_EXIST = 1;

  /** BPF_EXIST: changes an entry, or is refused with ENOENT. */
  public static final long EXIST = 2;

  /**
   * What the kernel tells of a map (BPF_OBJ_GET_INFO_BY_FD).
   *
   * @param id unique among all maps that there are now
   * @param spec with the name as the kernel has it, at most 15 characters
   */
  public record Info(int id, MapSpec spec) {
    /** Checks that all is there. */
    public Info {
      Objects.requireNonNull(spec, "spec");
    }
  }

  private static final int ARRAY = 2;
  private static final int PERCPU_HASH = 5;
  private static final int PERCPU_ARRAY = 6;
  private static final int LRU_PERCPU_HASH = 10;

  private final Bpf bpf;
  private final FileDescriptor fd;
  private final MapSpec spec;
  private final int valueSlotBytes;

  BpfMap(Bpf bpf, FileDescriptor fd, MapSpec spec) {
    this.bpf = bpf;
    this.fd = fd;
    this.spec = spec;
    this.valueSlotBytes =
        isPerCpu(spec.type())
            ? (spec.valueBytes() + 7) / 8 * 8 * PossibleCpus.count()
            : spec.valueBytes();
  }

  private static boolean isPerCpu(int type) {
    return type == PERCPU_HASH || type == PERCPU_ARRAY || type == LRU_PERCPU_HASH;
  }

  /**
   * Creates a map of its own, outside any object.
   *
   * @param libc the way to the kernel
   * @param spec what the map is to be; of the name, the kernel keeps 15 characters
   * @return the caller's to close
   * @throws KernelException when the kernel refuses
   */
  public static BpfMap create(Libc libc, MapSpec spec) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(spec, "spec");
    return create(new Bpf(libc), spec, Bpf.MapTypes.NONE, 0);
  }

  /**
   * @param innerMapFd a map like those that a map of maps holds; 0 for other maps
   */
  static BpfMap create(Bpf bpf, MapSpec wanted, Bpf.MapTypes types, int innerMapFd) {
    MapSpec spec = wanted.complete();
    int result = bpf.mapCreate(spec, types, innerMapFd);
    if (result < 0 && types.btfFd() != 0) {
      // Some types of map take no BTF, and old kernels take it for fewer: the map works without.
      result = bpf.mapCreate(spec, Bpf.MapTypes.NONE, innerMapFd);
    }
    if (result < 0) {
      throw BpfErrors.of("BPF_MAP_CREATE", "map " + spec.name(), result);
    }
    return new FileDescriptor(bpf.libc(), result).handTo(fd -> new BpfMap(bpf, fd, spec));
  }

  /**
   * Opens a pinned map.
   *
   * @param libc the way to the kernel
   * @param pin its file below a bpf file system
   * @return the caller's to close; the pin stays
   * @throws KernelException when there is none, or it is no map
   */
  public static BpfMap openPinned(Libc libc, Path pin) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(pin, "pin");
    Bpf bpf = new Bpf(libc);
    return Pinned.open(
        bpf,
        pin,
        Pinned.Kind.MAP,
        fd ->
            new BpfMap(
                bpf, fd, bpf.info(fd, pin.toString(), BpfInfo.Map.LAYOUT, BpfMap::toInfo).spec()));
  }

  /**
   * {@return its name as the object file has it, or, for a map opened by its pin, as the kernel has
   * it: at most 15 characters}
   */
  public String name() {
    return spec.name();
  }

  /**
   * {@return the descriptor's number, valid until {@link #close()}, which closes it}
   *
   * @throws IllegalStateException after {@link #close()}
   */
  public int fd() {
    return fd.number();
  }

  /**
   * Asks the kernel (BPF_OBJ_GET_INFO_BY_FD).
   *
   * @return what it says now
   * @throws KernelException when the kernel refuses
   */
  public Info info() {
    return bpf.info(fd, target(), BpfInfo.Map.LAYOUT, BpfMap::toInfo);
  }

  private static Info toInfo(MemorySegment info) {
    MapSpec.Sizes sizes =
        new MapSpec.Sizes(
            (int) BpfInfo.Map.KEY_SIZE.get(info, 0),
            (int) BpfInfo.Map.VALUE_SIZE.get(info, 0),
            (int) BpfInfo.Map.MAX_ENTRIES.get(info, 0));
    return new Info(
        (int) BpfInfo.Map.ID.get(info, 0),
        new MapSpec(
            info.getString(BpfInfo.Map.NAME.offsetBytes()),
            (int) BpfInfo.Map.TYPE.get(info, 0),
            sizes,
            (int) BpfInfo.Map.FLAGS.get(info, 0)));
  }

  /** {@return the bytes that one key takes} */
  public int keyBytes() {
    return spec.keyBytes();
  }

  /**
   * {@return the bytes that one value takes in a call: for per-CPU maps, the value rounded up to a
   * multiple of 8, times the possible CPUs}
   */
  public int valueSlotBytes() {
    return valueSlotBytes;
  }

  /** {@return how many entries it takes} */
  public int maxEntries() {
    return spec.maxEntries();
  }

  /**
   * Reads one entry.
   *
   * @param key native, of {@link #keyBytes()}
   * @param value native, of {@link #valueSlotBytes()}; filled
   * @return false when the map has no such key; {@code value} is as it was then
   * @throws KernelException when the kernel refuses
   */
  public boolean get(MemorySegment key, MemorySegment value) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    check("key", key, keyBytes());
    check("value", value, valueSlotBytes);
    try {
      return found("BPF_MAP_LOOKUP_ELEM", bpf.mapLookup(fd(), key.address(), value.address()));
    } finally {
      Reference.reachabilityFence(key);
      Reference.reachabilityFence(value);
    }
  }

  /**
   * Writes one entry.
   *
   * @param key native, of {@link #keyBytes()}
   * @param value native, of {@link #valueSlotBytes()}
   * @param flags {@link #ANY}, {@link #NO_EXIST} or {@link #EXIST}
   * @throws KernelException when the kernel refuses: E2BIG or ENOSPC when the map is full
   */
  public void put(MemorySegment key, MemorySegment value, long flags) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    check("key", key, keyBytes());
    check("value", value, valueSlotBytes);
    try {
      int result = bpf.mapUpdate(fd(), key.address(), value.address(), flags);
      if (result < 0) {
        throw updateFailed(target(), result);
      }
    } finally {
      Reference.reachabilityFence(key);
      Reference.reachabilityFence(value);
    }
  }

  /**
   * Removes one entry.
   *
   * @param key native, of {@link #keyBytes()}
   * @return false when the map had no such key
   * @throws KernelException when the kernel refuses
   */
  public boolean remove(MemorySegment key) {
    Objects.requireNonNull(key, "key");
    check("key", key, keyBytes());
    try {
      return found("BPF_MAP_DELETE_ELEM", bpf.mapDelete(fd(), key.address()));
    } finally {
      Reference.reachabilityFence(key);
    }
  }

  /**
   * Writes {@code count} entries that lie one behind the other. Uses BPF_MAP_UPDATE_BATCH; where
   * the kernel has none for this type, or it stops part-way, goes on one by one.
   *
   * @param keys native, of at least {@code count} times {@link #keyBytes()}
   * @param values native, of at least {@code count} times {@link #valueSlotBytes()}
   * @param count 0 or more
   * @throws KernelException naming how many of the entries were written
   */
  public void putAll(MemorySegment keys, MemorySegment values, int count) {
    Objects.requireNonNull(keys, "keys");
    Objects.requireNonNull(values, "values");
    checkAll("keys", keys, keyBytes(), count);
    checkAll("values", values, valueSlotBytes, count);
    if (count == 0) {
      return;
    }
    try {
      putAll(keys.address(), values.address(), count);
    } finally {
      Reference.reachabilityFence(keys);
      Reference.reachabilityFence(values);
    }
  }

  private void putAll(long keys, long values, int count) {
    int first = bpf.mapUpdateBatch(fd(), keys, values, count);
    for (int i = first; i < count; i++) {
      long key = keys + (long) i * keyBytes();
      long value = values + (long) i * valueSlotBytes;
      int result = bpf.mapUpdate(fd(), key, value, ANY);
      if (result < 0) {
        throw updateFailed(
            target() + " (entry " + (i + 1) + " of " + count + "; " + i + " are written)", result);
      }
    }
  }

  /**
   * Removes {@code count} keys that lie one behind the other; those not there are passed over.
   *
   * @param keys native, of at least {@code count} times {@link #keyBytes()}
   * @param count 0 or more
   * @throws KernelException naming how many of the keys were gone through
   */
  public void removeAll(MemorySegment keys, int count) {
    Objects.requireNonNull(keys, "keys");
    checkAll("keys", keys, keyBytes(), count);
    if (count == 0) {
      return;
    }
    try {
      removeAll(keys.address(), count);
    } finally {
      Reference.reachabilityFence(keys);
    }
  }

  private void removeAll(long keys, int count) {
    int first = bpf.mapDeleteBatch(fd(), keys, count);
    for (int i = first; i < count; i++) {
      int result = bpf.mapDelete(fd(), keys + (long) i * keyBytes());
      if (result < 0 && result != -Errno.ENOENT.number()) {
        throw BpfErrors.of(
            "BPF_MAP_DELETE_ELEM", target() + " (key " + (i + 1) + " of " + count + ")", result);
      }
    }
  }

  /**
   * Visits every entry once (entries changed meanwhile may be missed or seen in either state). The
   * two segments are reused from entry to entry: copy what must outlive the visit. The visitor may
   * change the map.
   *
   * @param visitor takes a key and its value, which it must not write
   * @throws KernelException when the kernel refuses
   */
  public void forEach(BiConsumer<MemorySegment, MemorySegment> visitor) {
    Objects.requireNonNull(visitor, "visitor");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(keyBytes(), 8);
      MemorySegment value = arena.allocate(valueSlotBytes, 8);
      if (isArray()) {
        for (int i = 0; i < maxEntries(); i++) {
          key.set(JAVA_INT, 0, i);
          visit(key, value, visitor);
        }
        return;
      }
      for (ByteBuffer known : keys(arena)) {
        key.copyFrom(MemorySegment.ofBuffer(known));
        visit(key, value, visitor);
      }
    }
  }

  private void visit(
      MemorySegment key, MemorySegment value, BiConsumer<MemorySegment, MemorySegment> visitor) {
    if (get(key, value)) {
      visitor.accept(key, value);
    }
  }

  /**
   * All keys. When the key that we stand on is removed under us, the kernel begins again at the
   * first; hence a set.
   */
  private Set<ByteBuffer> keys(Arena arena) {
    Set<ByteBuffer> keys = new LinkedHashSet<>();
    MemorySegment at = arena.allocate(keyBytes(), 8);
    MemorySegment next = arena.allocate(keyBytes(), 8);
    long current = 0;
    while (found("BPF_MAP_GET_NEXT_KEY", bpf.mapNextKey(fd(), current, next.address()))) {
      keys.add(ByteBuffer.wrap(next.toArray(JAVA_BYTE)));
      at.copyFrom(next);
      current = at.address();
    }
    return keys;
  }

  /**
   * Writes all that another map holds. Of an array, zeros are not written, so that they need no
   * room.
   *
   * @throws KernelException when this one cannot hold it
   */
  void copyFrom(BpfMap other) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeros = arena.allocate(valueSlotBytes);
      other.forEach((key, value) -> {
        if (!isArray() || value.mismatch(zeros) >= 0) {
          put(key, value, ANY);
        }
      });
    }
  }

  private boolean isArray() {
    return spec.type() == ARRAY || spec.type() == PERCPU_ARRAY;
  }

  /**
   * Keeps the map alive without us.
   *
   * @param path below a bpf file system; its folder exists
   * @throws KernelException when the kernel refuses
   */
  public void pin(Path path) {
    Objects.requireNonNull(path, "path");
    int result = bpf.pin(fd(), path.toString());
    if (result < 0) {
      throw BpfErrors.pin(target(), path.toString(), result);
    }
  }

  /** Forbids user space to write it from now on, so that the verifier may trust what it holds. */
  void freeze() {
    int result = bpf.mapFreeze(fd());
    if (result < 0) {
      throw BpfErrors.of("BPF_MAP_FREEZE", target(), result);
    }
  }

  @Override
  public void close() {
    fd.close();
  }

  @Override
  public String toString() {
    return target();
  }

  private String target() {
    return "map " + spec.name();
  }

  private boolean found(String call, int result) {
    if (result < 0 && result != -Errno.ENOENT.number()) {
      throw BpfErrors.of(call, target(), result);
    }
    return result >= 0;
  }

  private KernelException updateFailed(String target, int result) {
    Errno errno = Errno.of(-result);
    // A hash map says E2BIG when it is full, an LPM trie ENOSPC.
    if (errno == Errno.E2BIG || errno == Errno.ENOSPC) {
      return new KernelException(
          "BPF_MAP_UPDATE_ELEM",
          target,
          -result,
          "the map is full: it takes "
              + spec.maxEntries()
              + " entries; remove some, or load it with a larger max_entries");
    }
    return BpfErrors.of("BPF_MAP_UPDATE_ELEM", target, result);
  }

  private void check(String what, MemorySegment segment, int bytes) {
    if (segment.byteSize() != bytes || !segment.isNative()) {
      throw new IllegalArgumentException(
          "The "
              + what
              + " of the "
              + target()
              + " is a native segment of "
              + bytes
              + " bytes, not "
              + (segment.isNative() ? "of " : "a heap segment of ")
              + segment.byteSize()
              + ".");
    }
  }

  private void checkAll(String what, MemorySegment segment, int bytes, int count) {
    if (count < 0 || segment.byteSize() < (long) bytes * count || !segment.isNative()) {
      throw new IllegalArgumentException(
          count
              + " "
              + what
              + " of the "
              + target()
              + " need a native segment of "
              + (long) bytes * count
              + " bytes, not "
              + (segment.isNative() ? "of " : "a heap segment of ")
              + segment.byteSize()
              + ".");
    }
  }
}
