// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The reader on memory of our own, laid out as kernel/bpf/ringbuf.c and its documentation say. */
final class BpfRingBufferTest {
  private static final int PAGE = PageSize.bytes();
  private static final int BUSY = 1 << 31;
  private static final int DISCARDED = 1 << 30;

  private final Arena arena = Arena.ofShared();
  private final Memory memory = new Memory();
  private final BpfRingBuffer ring = BpfRingBuffer.create(memory, "ring", PAGE);

  /** A kernel whose ring buffer is ours to fill: one page of data. */
  private final class Memory extends FakeLibc {
    private final MemorySegment consumer = arena.allocate(PAGE, PAGE);
    private final MemorySegment producer = arena.allocate(3L * PAGE, PAGE);
    private final List<String> unmapped = new ArrayList<>();

    @Override
    long bpf(int command, MemorySegment attr) {
      return descriptor();
    }

    @Override
    public long call(Syscall call, long a, long b, long c, long d, long e, long f) {
      return switch (call) {
        case MMAP -> f == 0 ? consumer.address() : producer.address();
        case MUNMAP -> {
          unmapped.add((a == consumer.address() ? "consumer " : "producer ") + b / PAGE);
          yield 0;
        }
        case PPOLL -> -Errno.EINTR.number();
        default -> super.call(call, a, b, c, d, e, f);
      };
    }

    /** Puts a record where the producer stands; data is what a second mapping shows too. */
    void put(int header, long value) {
      long position = producer.get(JAVA_LONG, 0);
      for (int i = 0; i < 16; i += 8) {
        long word = i == 0 ? Integer.toUnsignedLong(header) : value;
        long at = (position + i) % PAGE;
        producer.set(JAVA_LONG, PAGE + at, word);
        producer.set(JAVA_LONG, 2L * PAGE + at, word);
      }
      long bytes = header & ~(BUSY | DISCARDED);
      producer.set(JAVA_LONG, 0, position + (bytes + 8 + 7) / 8 * 8);
    }

    void commit(long position, int header) {
      producer.set(JAVA_INT, PAGE + position % PAGE, header);
    }

    long consumed() {
      return consumer.get(JAVA_LONG, 0);
    }
  }

  @AfterEach
  void free() {
    ring.close();
    assertEquals(java.util.Set.of(), memory.open());
    arena.close();
  }

  private List<Long> read() {
    List<Long> values = new ArrayList<>();
    int records = ring.read(record -> values.add(record.get(JAVA_LONG, 0)));
    assertEquals(values.size(), records);
    return values;
  }

  @Test
  void readsRecordsInOrderAndGivesTheirRoomBack() {
    assertEquals(List.of(), read());
    memory.put(8, 1);
    memory.put(8, 2);
    assertEquals(List.of(1L, 2L), read());
    assertEquals(32, memory.consumed());
    assertEquals(List.of(), read());
  }

  @Test
  void waitsForARecordThatIsNotYetWritten() {
    memory.put(8, 1);
    memory.put(8 | BUSY, 2);
    memory.put(8, 3);
    assertEquals(List.of(1L), read());
    assertEquals(16, memory.consumed());
    memory.commit(16, 8);
    assertEquals(List.of(2L, 3L), read());
  }

  @Test
  void passesOverWhatAProgramGaveUp() {
    memory.put(8 | DISCARDED, 1);
    memory.put(8, 2);
    assertEquals(List.of(2L), read());
    assertEquals(32, memory.consumed());
  }

  @Test
  void goesRoundManyTimesAndHandsOverRecordsWhole() {
    // 16 bytes do not divide a page with 24 more in front: records lie across the end too.
    memory.put(13, 0);
    assertEquals(1, ring.read(record -> assertEquals(13, record.byteSize())));
    assertEquals(24, memory.consumed());
    for (long i = 0; i < 5L * PAGE / 16; i++) {
      memory.put(8, i);
      assertEquals(List.of(i), read());
    }
    assertTrue(memory.consumed() > 5L * PAGE);
  }

  @Test
  void aVisitorThatFailsDoesNotMeetTheRecordAgain() {
    memory.put(8, 1);
    memory.put(8, 2);
    assertThrows(
        IllegalStateException.class,
        () ->
            ring.read(record -> {
              throw new IllegalStateException();
            }));
    assertEquals(List.of(2L), read());
  }

  @Test
  void aSignalEndsTheWaitWithoutAnError() {
    assertEquals(false, ring.await(java.time.Duration.ofSeconds(1)));
  }

  @Test
  void closedItTouchesNoMemoryAnyMore() {
    ring.close();
    assertThrows(IllegalStateException.class, () -> ring.read(record -> {}));
    assertEquals(List.of("producer 3", "consumer 1"), memory.unmapped);
  }

  @Test
  void findsThePageSizeInTheAuxiliaryVector() {
    java.nio.ByteBuffer vector =
        java.nio.ByteBuffer.allocate(48).order(java.nio.ByteOrder.nativeOrder());
    // AT_PHENT, AT_PAGESZ, AT_NULL (linux/auxvec.h)
    vector.putLong(4).putLong(56).putLong(6).putLong(65536).putLong(0).putLong(0);
    assertEquals(65536, PageSize.bytes(vector.array()));
    assertThrows(IllegalStateException.class, () -> PageSize.bytes(new byte[16]));
  }
}
