// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.TakenException;
import java.util.IdentityHashMap;

/**
 * Which overlay works on which datapath: a second one would write its own subnets over the first
 * one's. Known to the process, since a datapath of whatever kind cannot tell; an overlay that ends,
 * or does not come to be, is forgotten. Any thread may call.
 */
final class DatapathsInUse {
  private static final IdentityHashMap<Datapath, HostName> BY_DATAPATH = new IdentityHashMap<>();

  private DatapathsInUse() {}

  /**
   * From now on it is that host's.
   *
   * @throws TakenException when an overlay works on it
   */
  static void claim(Datapath datapath, HostName host) {
    synchronized (BY_DATAPATH) {
      HostName other = BY_DATAPATH.putIfAbsent(datapath, host);
      if (other != null) {
        throw new TakenException(
            "The overlay of "
                + other
                + " works on this datapath already, and that of "
                + host
                + " would write over its entries: close it first, or open another datapath.");
      }
    }
  }

  static void release(Datapath datapath) {
    synchronized (BY_DATAPATH) {
      BY_DATAPATH.remove(datapath);
    }
  }
}
