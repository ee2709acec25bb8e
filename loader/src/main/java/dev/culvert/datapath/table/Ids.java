// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Small numbers for things that counters are kept by. A thing keeps its number as long as this
 * instance lives; after a restart the numbers in use are {@linkplain #recover recovered} from the
 * kernel's maps. 0 means none.
 */
final class Ids<T> {
  private final Map<T, Integer> byThing = new HashMap<>();
  private final BitSet used = new BitSet();

  Ids() {
    used.set(0);
  }

  void recover(T thing, int id) {
    if (id > 0 && !used.get(id) && byThing.putIfAbsent(thing, id) == null) {
      used.set(id);
    }
  }

  boolean has(T thing) {
    return byThing.containsKey(thing);
  }

  int of(T thing) {
    Integer known = byThing.get(thing);
    if (known != null) {
      return known;
    }
    int id = used.nextClearBit(0);
    used.set(id);
    byThing.put(thing, id);
    return id;
  }

  void release(T thing) {
    Integer id = byThing.remove(thing);
    if (id != null) {
      used.clear(id);
    }
  }
}
