// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.system.FileDescriptor;
import java.util.Objects;

/**
 * Lets the kernel count the runs of every BPF program of the machine and their time, as {@link
 * BpfProgram.Info} tells them, until this is closed or the process ends (BPF_ENABLE_STATS, kernel
 * 5.8). Others may do the same, and the sysctl kernel.bpf_stats_enabled does it for good: counting
 * ends when nobody wants it any more. While it is on, each run costs two readings of the clock
 * more, some ten ns, of which one is in its own time. Usable from any thread.
 */
public final class RunStatistics implements AutoCloseable {
  private static final int BPF_STATS_RUN_TIME = 0;

  private final FileDescriptor fd;

  private RunStatistics(FileDescriptor fd) {
    this.fd = fd;
  }

  /**
   * Begins to count.
   *
   * @param libc the way to the kernel
   * @return the caller's to close, which ends the counting
   * @throws Unsupported before kernel 5.8
   * @throws KernelException EPERM without CAP_SYS_ADMIN
   */
  public static RunStatistics enable(Libc libc) {
    Objects.requireNonNull(libc, "libc");
    int result = new Bpf(libc).enableStats(BPF_STATS_RUN_TIME);
    if (result < 0) {
      KernelException refused = BpfErrors.of("BPF_ENABLE_STATS", "run time", result);
      throw refused.errno() == Errno.EINVAL
          ? new Unsupported(refused, "statistics of BPF programs by bpf(2)", "5.8")
          : refused;
    }
    return new RunStatistics(new FileDescriptor(libc, result));
  }

  @Override
  public void close() {
    fd.close();
  }
}
