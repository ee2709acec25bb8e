// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The reading end of a BPF ring buffer, kernel 5.8 or later (source: kernel/bpf/ringbuf.c,
 * Documentation/bpf/ringbuf.rst).
 *
 * <p>It is shared memory: a page with our position, a page with the kernel's, then the data, mapped
 * twice in a row so that no record is ever cut at the end. Positions only grow; modulo the size
 * they are offsets. Used by one thread at a time.
 */
public final class BpfRingBuffer implements AutoCloseable {
  private static final int RINGBUF = 27;
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int MAP_SHARED = 1;
  private static final short POLLIN = 1;

  /** Four bytes of length and flags, four that are the kernel's. */
  private static final int HEADER_BYTES = 8;

  /** BPF_RINGBUF_BUSY_BIT: reserved, not yet written. */
  private static final int BUSY = 1 << 31;

  /** BPF_RINGBUF_DISCARD_BIT: given up by the program. */
  private static final int DISCARDED = 1 << 30;

  private static final VarHandle POSITION = JAVA_LONG.varHandle();
  private static final VarHandle HEADER = JAVA_INT.varHandle();

  private final Libc libc;
  private final BpfMap map;
  private final int sizeBytes;
  private final int pageBytes;
  private final MemorySegment consumer;
  private final MemorySegment producer;
  private boolean closed;

  private BpfRingBuffer(Libc libc, BpfMap map, int pageBytes) {
    this.libc = libc;
    this.map = map;
    this.sizeBytes = map.maxEntries();
    this.pageBytes = pageBytes;
    this.consumer = mapped(PROT_READ | PROT_WRITE, pageBytes, 0);
    try {
      this.producer = mapped(PROT_READ, pageBytes + 2L * sizeBytes, pageBytes);
    } catch (RuntimeException e) {
      unmap(consumer);
      throw e;
    }
  }

  /**
   * Creates one.
   *
   * @param libc the way to the kernel
   * @param name of the map, of which the kernel keeps 15 characters
   * @param sizeBytes a power of two and whole pages
   * @return the caller's to close
   * @throws KernelException when the kernel refuses
   */
  public static BpfRingBuffer create(Libc libc, String name, int sizeBytes) {
    Objects.requireNonNull(libc, "libc");
    Objects.requireNonNull(name, "name");
    BpfMap map;
    try {
      map = BpfMap.create(libc, new MapSpec(name, RINGBUF, new MapSpec.Sizes(0, 0, sizeBytes), 0));
    } catch (KernelException e) {
      throw e.errno() == Errno.EINVAL
          ? new KernelException(
              e.call(),
              e.target(),
              e.errnoNumber(),
              "a ring buffer needs kernel 5.8, and a size (here "
                  + sizeBytes
                  + ") that is a power of two and whole pages")
          : e;
    }
    try {
      return new BpfRingBuffer(libc, map, PageSize.bytes());
    } catch (RuntimeException e) {
      map.close();
      throw e;
    }
  }

  private MemorySegment mapped(int protection, long bytes, long offset) {
    long address =
        KernelException.check(
            libc.call(Syscall.MMAP, 0, bytes, protection, MAP_SHARED, map.fd(), offset),
            "mmap",
            map.toString(),
            "run as root");
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  private void unmap(MemorySegment segment) {
    long _ = libc.call(Syscall.MUNMAP, segment.address(), segment.byteSize(), 0, 0, 0, 0);
  }

  /** {@return the map, for others that want its descriptor; it is closed with this} */
  public BpfMap map() {
    return map;
  }

  /**
   * Hands over every record that is complete. The segment is the kernel's memory, readable during
   * the visit only; the room is given back after each record, also after one at which the visitor
   * throws.
   *
   * @param visitor called by this thread
   * @return how many there were
   */
  public int read(Consumer<MemorySegment> visitor) {
    Objects.requireNonNull(visitor, "visitor");
    int _ = map.fd(); // Refuses after close(): the memory is gone then.
    int records = 0;
    long at = (long) POSITION.get(consumer, 0L); // Nobody else writes it.
    // The kernel stores it with release: what it covers is there to be read.
    while (at < (long) POSITION.getAcquire(producer, 0L)) {
      long offset = pageBytes + (at & (sizeBytes - 1));
      // Written with release too, when the record is complete.
      int header = (int) HEADER.getAcquire(producer, offset);
      if ((header & BUSY) != 0) {
        break;
      }
      int bytes = header & ~DISCARDED;
      try {
        if ((header & DISCARDED) == 0) {
          records++;
          visitor.accept(producer.asSlice(offset + HEADER_BYTES, bytes).asReadOnly());
        }
      } finally {
        at += (bytes + HEADER_BYTES + 7L) / 8 * 8;
        // Release: the kernel writes here again only after our reads are done.
        POSITION.setRelease(consumer, 0L, at);
      }
    }
    return records;
  }

  /**
   * Waits until there is something to read, or time is up, or a signal came.
   *
   * @param atMost not negative; zero only looks
   * @return whether there is something to read
   */
  public boolean await(Duration atMost) {
    Objects.requireNonNull(atMost, "atMost");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pollfd = arena.allocate(8, 8);
      pollfd.set(JAVA_INT, 0, map.fd());
      pollfd.set(JAVA_SHORT, 4, POLLIN);
      MemorySegment timespec = arena.allocate(16, 8);
      timespec.set(JAVA_LONG, 0, atMost.toSeconds());
      timespec.set(JAVA_LONG, 8, atMost.toNanosPart());
      long ready = libc.call(Syscall.PPOLL, pollfd.address(), 1, timespec.address(), 0, 0, 0);
      if (ready != -Errno.EINTR.number()) {
        long _ = KernelException.check(ready, "ppoll", map.toString(), "");
      }
      return ready > 0;
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    unmap(producer);
    unmap(consumer);
    map.close();
  }
}
