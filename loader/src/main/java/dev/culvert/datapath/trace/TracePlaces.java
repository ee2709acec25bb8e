// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import static dev.culvert.datapath.table.Layouts.TRACER;

import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.Layouts;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfMap;
import dev.culvert.kernel.host.FolderLock;
import dev.culvert.kernel.host.KernelClock;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * The maps by which tracers tell the programs what they want: one place for each. Whoever writes
 * holds the pin folder's lock, so that two tracers never take one place.
 */
final class TracePlaces implements AutoCloseable {
  /**
   * How long a place is kept for a tracer that is not heard of. Then the programs pass it over, and
   * another may have it.
   */
  static final Duration LEASE = Duration.ofSeconds(5);

  /**
   * @param flags TRACE_* of maps.h
   * @param sample one packet out of so many
   * @param mark for TRACE_MARKED
   */
  record Wish(int flags, int sample, int mark) {}

  private static final String RINGS = "trace_rings";
  private static final String LOST = "trace_lost";
  private static final String TRACERS = "tracers";
  private static final String WANTED = "trace_wanted";

  private final Libc libc;
  private final Pins pins;
  private final Map<String, BpfMap> maps = new HashMap<>();
  private final long owner =
      RandomGenerator.getDefault().nextLong() | 1; // never 0, which is nobody

  private TracePlaces(Libc libc, Pins pins) {
    this.libc = libc;
    this.pins = pins;
  }

  static TracePlaces open(Libc libc, Pins pins) {
    TracePlaces places = new TracePlaces(libc, pins);
    try {
      for (String name : new String[] {RINGS, LOST, TRACERS, WANTED}) {
        places.maps.put(name, BpfMap.openPinned(libc, pins.map(name)));
      }
      return places;
    } catch (RuntimeException e) {
      places.close();
      throw e;
    }
  }

  /**
   * Takes a free place, and makes the programs write into the ring.
   *
   * @throws RefusedException when as many trace already as there are places
   */
  int take(Wish wish, BpfMap ring) {
    try (FolderLock _ = FolderLock.take(libc, pins.folder());
        Arena arena = Arena.ofConfined()) {
      MemorySegment entry = arena.allocate(TRACER.sizeBytes(), 8);
      int places = maps.get(TRACERS).maxEntries();
      for (int place = 0; place < places; place++) {
        maps.get(TRACERS).get(key(arena, place), entry);
        if (TRACER.field("until_ns").get(entry, 0) <= KernelClock.monotonicNs(libc)) {
          fill(arena, place, wish, ring);
          return place;
        }
      }
      throw new RefusedException(
          places + " tracers are at work on this host already: end one of them first.");
    }
  }

  /** The entry last: from then on the programs look at the rest. */
  private void fill(Arena arena, int place, Wish wish, BpfMap ring) {
    MemorySegment key = key(arena, place);
    maps.get(RINGS).put(key, arena.allocateFrom(ValueLayout.JAVA_INT, ring.fd()), BpfMap.ANY);
    maps.get(LOST).put(key, arena.allocate(8, 8), BpfMap.ANY);
    write(arena, place, wish);
  }

  private void write(Arena arena, int place, Wish wish) {
    MemorySegment entry = arena.allocate(TRACER.sizeBytes(), 8);
    TRACER.field("until_ns").set(entry, 0, KernelClock.monotonicNs(libc) + LEASE.toNanos());
    TRACER.field("owner").set(entry, 0, owner);
    Layouts.putInt(entry, TRACER, "flags", wish.flags());
    Layouts.putInt(entry, TRACER, "sample", wish.sample());
    Layouts.putInt(entry, TRACER, "mark", wish.mark());
    maps.get(TRACERS).put(key(arena, place), entry, BpfMap.ANY);
    setWanted(arena);
  }

  /** All that living tracers want; the rings of those that died are given back. */
  private void setWanted(Arena arena) {
    MemorySegment entry = arena.allocate(TRACER.sizeBytes(), 8);
    int wanted = 0;
    long nowNs = KernelClock.monotonicNs(libc);
    for (int place = 0; place < maps.get(TRACERS).maxEntries(); place++) {
      maps.get(TRACERS).get(key(arena, place), entry);
      if (TRACER.field("until_ns").get(entry, 0) > nowNs) {
        wanted |= Layouts.getInt(entry, TRACER, "flags");
      } else {
        boolean _ = maps.get(RINGS).remove(key(arena, place));
      }
    }
    maps.get(WANTED)
        .put(key(arena, 0), arena.allocateFrom(ValueLayout.JAVA_INT, wanted), BpfMap.ANY);
  }

  /** Keeps a place; one that another has meanwhile is left to it, and a new one taken. */
  int renew(int place, Wish wish, BpfMap ring) {
    try (FolderLock _ = FolderLock.take(libc, pins.folder());
        Arena arena = Arena.ofConfined()) {
      if (isOurs(arena, place)) {
        write(arena, place, wish);
        return place;
      }
    }
    return take(wish, ring);
  }

  /** Gives a place up. */
  void leave(int place) {
    try (FolderLock _ = FolderLock.take(libc, pins.folder());
        Arena arena = Arena.ofConfined()) {
      if (isOurs(arena, place)) {
        maps.get(TRACERS).put(key(arena, place), arena.allocate(TRACER.sizeBytes(), 8), BpfMap.ANY);
        setWanted(arena);
      }
    }
  }

  private boolean isOurs(Arena arena, int place) {
    MemorySegment entry = arena.allocate(TRACER.sizeBytes(), 8);
    maps.get(TRACERS).get(key(arena, place), entry);
    return TRACER.field("owner").get(entry, 0) == owner;
  }

  /** How many events the place's ring had no room for. */
  long lost(int place) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(8, 8);
      maps.get(LOST).get(key(arena, place), value);
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  private static MemorySegment key(Arena arena, int place) {
    return arena.allocateFrom(ValueLayout.JAVA_INT, place);
  }

  @Override
  public void close() {
    maps.values().forEach(BpfMap::close);
  }
}
