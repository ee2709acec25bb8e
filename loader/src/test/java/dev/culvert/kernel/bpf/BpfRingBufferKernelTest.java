// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.testing.RequiresRoot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A real program writes (ring.bpf.c), we read. */
@Tag("kernel")
@RequiresRoot
final class BpfRingBufferKernelTest {
  private static final int RING_BYTES = 64 * 1024;
  private static final int RECORD_BYTES = 64;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Libc libc = Libc.system();
  private final OpenDescriptors descriptors = new OpenDescriptors();

  @AfterEach
  void noLeak() {
    descriptors.assertNoneLeaked();
  }

  /** The object with its ring in the first place of its map of rings. */
  private static BpfObject load(Libc libc, BpfRingBuffer ring) {
    BpfObject object = BpfObject.load(libc, TestObjects.spec("ring"), java.util.Map.of());
    put(object, 0, ring);
    return object;
  }

  private static void put(BpfObject object, int place, BpfRingBuffer ring) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_INT, place);
      MemorySegment fd =
          arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_INT, ring.map().fd());
      object.map("rings").put(key, fd, BpfMap.ANY);
    }
  }

  /** How often the program could not write. */
  private static long write(BpfObject object, int times) {
    long failed = 0;
    for (int i = 0; i < times; i++) {
      failed += object.program("writes").testRun(new byte[64], new byte[0], 1).returnValue();
    }
    return failed;
  }

  private static List<Long> read(BpfRingBuffer ring) {
    List<Long> numbers = new ArrayList<>();
    ring.read(record -> {
      assertEquals(RECORD_BYTES, record.byteSize());
      numbers.add(record.get(JAVA_LONG, 0));
    });
    return numbers;
  }

  private static List<Long> numbers(long from, long to) {
    return LongStream.range(from, to).boxed().toList();
  }

  @Test
  void everyRecordComesOnceInOrderAcrossTheEndOfTheBuffer() {
    try (BpfRingBuffer ring = BpfRingBuffer.create(libc, "ring", RING_BYTES);
        BpfObject object = load(libc, ring)) {
      long next = 0;
      // Five times the buffer, in portions that do not divide it.
      while (next * (RECORD_BYTES + 8) < 5L * RING_BYTES) {
        assertEquals(0, write(object, 101));
        assertEquals(numbers(next, next + 101), read(ring));
        next += 101;
      }
      assertEquals(List.of(), read(ring));
    }
  }

  @Test
  void aFullBufferRefusesAndWhatIsInItStays() {
    int room = RING_BYTES / (RECORD_BYTES + 8);
    try (BpfRingBuffer ring = BpfRingBuffer.create(libc, "ring", RING_BYTES);
        BpfObject object = load(libc, ring)) {
      assertEquals(7, write(object, room + 7));
      assertEquals(numbers(0, room), read(ring));
      assertEquals(0, write(object, 1));
      assertEquals(List.of(room + 7L), read(ring));
    }
  }

  @Test
  void aWriterWakesTheReader() throws Exception {
    try (BpfRingBuffer ring = BpfRingBuffer.create(libc, "ring", RING_BYTES);
        BpfObject object = load(libc, ring)) {
      assertFalse(ring.await(Duration.ofMillis(1)));
      FutureTask<Boolean> waiting = new FutureTask<>(() -> ring.await(PATIENCE));
      Thread.ofPlatform().start(waiting);
      assertEquals(0, write(object, 1));
      assertTrue(waiting.get());
      assertEquals(numbers(0, 1), read(ring));
    }
  }

  @Test
  void ringsDoNotMix() {
    try (BpfRingBuffer first = BpfRingBuffer.create(libc, "ring", RING_BYTES);
        BpfRingBuffer second = BpfRingBuffer.create(libc, "ring", RING_BYTES);
        BpfObject object = load(libc, first)) {
      assertEquals(0, write(object, 1));
      put(object, 0, second);
      assertEquals(0, write(object, 2));
      assertEquals(numbers(0, 1), read(first));
      assertEquals(numbers(1, 3), read(second));
    }
  }

  @Test
  void aWrongSizeIsRefusedInOneSentence() {
    KernelException e =
        assertThrows(KernelException.class, () -> BpfRingBuffer.create(libc, "ring", 1000));
    assertEquals(
        "BPF_MAP_CREATE on map ring: EINVAL (invalid argument); a ring buffer needs kernel 5.8, and"
            + " a size (here 1000) that is a power of two and whole pages",
        e.getMessage());
  }
}
