// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Verdict;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** How packets ended: packets and bytes (with an Ethernet header) by verdict. */
final class VerdictCounters {
  private static final int ETHERNET_BYTES = 14;

  private final Map<Verdict, LongAdder> packets = adders();
  private final Map<Verdict, LongAdder> bytes = adders();

  private static Map<Verdict, LongAdder> adders() {
    Map<Verdict, LongAdder> adders = new EnumMap<>(Verdict.class);
    for (Verdict verdict : Verdict.values()) {
      adders.put(verdict, new LongAdder());
    }
    return adders;
  }

  /**
   * Counts one packet.
   *
   * @param ipBytes of the inner IP packet; a superpacket counts once
   */
  void count(Verdict verdict, int ipBytes) {
    packets.get(verdict).increment();
    bytes.get(verdict).add((long) ipBytes + ETHERNET_BYTES);
  }

  /** Totals, by verdict; any thread may ask. */
  Map<Verdict, Counter> read() {
    Map<Verdict, Counter> all = new EnumMap<>(Verdict.class);
    packets.forEach(
        (verdict, count) -> all.put(verdict, new Counter(count.sum(), bytes.get(verdict).sum())));
    return all;
  }
}
