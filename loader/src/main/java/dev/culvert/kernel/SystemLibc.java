// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.culvert.kernel.system.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The only holder of {@link Linker}. One call shape serves every system call, since each new shape
 * costs 5-8 ms.
 */
final class SystemLibc implements Libc {
  static final SystemLibc INSTANCE = new SystemLibc();

  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout().varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private final MethodHandle syscall;

  // One segment for each thread: errno is read right after the call, on the thread that made it.
  private final ThreadLocal<MemorySegment> captured =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));

  private SystemLibc() {
    Linker linker = Linker.nativeLinker();
    MemorySegment symbol =
        linker
            .defaultLookup()
            .find("syscall")
            .orElseThrow(() ->
                new RefusedException("The C library has no syscall(2): Culvert needs Linux."));
    syscall =
        linker.downcallHandle(
            symbol,
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                JAVA_LONG),
            Linker.Option.firstVariadicArg(1),
            Linker.Option.captureCallState("errno"));
  }

  @Override
  public long call(Syscall call, long a, long b, long c, long d, long e, long f) {
    MemorySegment state = captured.get();
    try {
      long result = (long) syscall.invokeExact(state, call.number(), a, b, c, d, e, f);
      return result == -1 ? -(long) (int) ERRNO.get(state, 0L) : result;
    } catch (RuntimeException | Error unchecked) {
      throw unchecked;
    } catch (Throwable impossible) {
      throw new AssertionError("syscall(2) threw a checked exception", impossible);
    }
  }
}
