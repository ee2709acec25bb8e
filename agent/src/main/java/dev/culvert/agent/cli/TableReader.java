// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.datapath.ebpf.EbpfDatapath;
import dev.culvert.kernel.Libc;
import java.nio.file.Path;

/** The seam to what is pinned: the kernel's tables, whether or not an agent lives. */
@FunctionalInterface
public interface TableReader {
  /** Errors as those of {@link EbpfDatapath#inspect}. */
  DatapathSnapshot read(Path pins);

  /** Reads through the real kernel, which is not touched before the first read. */
  static TableReader kernel() {
    return pins -> EbpfDatapath.inspect(Libc.system(), pins);
  }
}
