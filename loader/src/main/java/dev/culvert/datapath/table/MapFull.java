// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;

/** Says in a sentence of ours what the kernel answers with E2BIG (hash) or ENOSPC (LPM trie). */
final class MapFull {
  private MapFull() {}

  /** The refusal of one write, reworded when the map was full. */
  static RuntimeException explain(EntryMap map, String entry, RuntimeException refusal) {
    if (refusal instanceof KernelException e
        && (e.errno() == Errno.E2BIG || e.errno() == Errno.ENOSPC)) {
      return new RefusedException(
          "The map "
              + map.name()
              + " is full ("
              + map.maxEntries()
              + " entries), so there is no room for "
              + entry
              + ". Remove entries that are not needed, or give the maps more room (maxSubnets or"
              + " maxEndpoints in the agent's configuration) and start the agent again.",
          refusal);
    }
    return refusal;
  }
}
