// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Waits until a descriptor has something to read, or until another thread says to stop: ppoll(2) on
 * it and on an eventfd(2).
 */
public final class Readiness implements AutoCloseable {
  private static final int EFD_CLOEXEC_NONBLOCK = 0x80000 | 0x800;
  private static final short POLLIN = 1;

  /** struct pollfd: descriptor (4), events (2), results (2). */
  private static final int POLLFD_BYTES = 8;

  private static final int STOPPED_RESULTS_OFFSET = POLLFD_BYTES + 6;

  private final Libc libc;
  private final FileDescriptor stop;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment poll = arena.allocate(2L * POLLFD_BYTES, 8);

  private Readiness(Libc libc, FileDescriptor stop, int fd) {
    this.libc = libc;
    this.stop = stop;
    poll.set(JAVA_INT, 0, fd);
    poll.set(JAVA_SHORT, 4, POLLIN);
    poll.set(JAVA_INT, POLLFD_BYTES, stop.number());
    poll.set(JAVA_SHORT, POLLFD_BYTES + 4, POLLIN);
  }

  /** The descriptor stays the caller's. */
  public static Readiness of(Libc libc, int fd) {
    long stop =
        KernelException.check(
            libc.call(Syscall.EVENTFD2, 0, EFD_CLOEXEC_NONBLOCK, 0, 0, 0, 0),
            "eventfd2",
            "a waiting thread",
            "");
    return new Readiness(libc, new FileDescriptor(libc, (int) stop), fd);
  }

  /** Waits; one thread at a time. False when told to stop. */
  public boolean await() {
    poll.set(JAVA_SHORT, STOPPED_RESULTS_OFFSET, (short) 0);
    // Interrupted by a signal (EINTR) it is as good as ready: the caller tries and comes back.
    long _ = libc.call(Syscall.PPOLL, poll.address(), 2, 0, 0, 0, 0);
    return poll.get(JAVA_SHORT, STOPPED_RESULTS_OFFSET) == 0;
  }

  /** Makes {@link #await} return false, now and from now on. */
  public void stop() {
    try (Arena own = Arena.ofConfined()) {
      MemorySegment one = own.allocateFrom(JAVA_LONG, 1);
      long _ =
          libc.call(Syscall.WRITE, stop.number(), one.address(), JAVA_LONG.byteSize(), 0, 0, 0);
    }
  }

  /** Nobody may be waiting. */
  @Override
  public void close() {
    stop.close();
    arena.close();
  }
}
