// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * How much each way takes. The table says what interface and route take; where a router on the way
 * takes less, it tells the kernel (RFC 1191), which refuses larger datagrams from then on, and
 * which is asked then. What it said holds for {@value #HOLD_SECONDS} s, then the next large packet
 * asks again. Used by one thread.
 */
final class PathMtus {
  static final int HOLD_SECONDS = 10;

  private static final long HOLD_NS = HOLD_SECONDS * 1_000_000_000L;

  /** RFC 791: every link takes this much. */
  private static final int LEAST_BYTES = 68;

  /**
   * @param innerBytes what fits
   */
  private record Known(int innerBytes, long untilNs) {}

  private final Function<InetAddress, OptionalInt> kernel;
  private final LongSupplier clockNs;
  private final Map<InetAddress, Known> known = new HashMap<>();

  /**
   * @param kernel asks it for the largest IP packet on the way to an address
   */
  PathMtus(Function<InetAddress, OptionalInt> kernel, LongSupplier clockNs) {
    this.kernel = kernel;
    this.clockNs = clockNs;
  }

  int innerMtuBytes(Remote remote) {
    if (known.isEmpty()) { // nearly always
      return remote.innerMtuBytes();
    }
    Known less = known.get(remote.address());
    if (less != null && less.untilNs() - clockNs.getAsLong() <= 0) {
      known.remove(remote.address());
      less = null;
    }
    return less == null
        ? remote.innerMtuBytes()
        : Math.min(less.innerBytes(), remote.innerMtuBytes());
  }

  /** The kernel refused a datagram as too large. */
  void shrank(Remote remote) {
    OptionalInt bytes = kernel.apply(remote.address());
    bytes.ifPresent(mtu -> {
      int inner = mtu - IpFamily.of(remote.address()).overheadBytes();
      known.put(
          remote.address(), new Known(Math.max(LEAST_BYTES, inner), clockNs.getAsLong() + HOLD_NS));
    });
  }
}
