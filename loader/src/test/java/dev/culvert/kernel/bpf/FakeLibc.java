// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A kernel that hands out descriptors from 1000 on and refuses what a test tells it to. It sees bpf
 * commands and the attributes as bytes.
 */
abstract class FakeLibc implements Libc {
  private final Set<Integer> open = new TreeSet<>();
  final List<Integer> commands = new ArrayList<>();
  private int next = 1000;

  /** The answer to a bpf command; {@link #descriptor()} for those that make one. */
  abstract long bpf(int command, MemorySegment attr);

  long descriptor() {
    open.add(next);
    return next++;
  }

  Set<Integer> open() {
    return open;
  }

  @Override
  public long call(Syscall call, long a, long b, long c, long d, long e, long f) {
    return switch (call) {
      case BPF -> {
        commands.add((int) a);
        yield bpf((int) a, MemorySegment.ofAddress(b).reinterpret(c));
      }
      case CLOSE -> open.remove((int) a) ? 0 : -Errno.EBADF.number();
      default -> throw new AssertionError(call + " is not expected");
    };
  }

  /** Bytes 0 to {@code length} of what a pointer in the attributes points to. */
  static MemorySegment at(MemorySegment attr, long offset, long length) {
    return MemorySegment.ofAddress(attr.get(ValueLayout.JAVA_LONG, offset)).reinterpret(length);
  }
}
