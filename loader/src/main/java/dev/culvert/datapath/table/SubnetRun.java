// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath.Failure;
import dev.culvert.datapath.Subnet;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * Puts or removals in one trie that go to the kernel together. Memory and lists are used again from
 * run to run, so a steady stream of changes allocates nothing for an entry, once C2 has compiled
 * it: C1 alone leaves six copies of an address's bytes, 144 bytes of garbage, since {@link
 * java.net.InetAddress#getAddress} gives no others. Owned by one thread.
 */
final class SubnetRun {
  /** Larger runs are cut, so that a refusal is pinned down among few entries. */
  static final int MAX_ENTRIES = 4096;

  /** Writes key and value of a change; a removal has no value. */
  @FunctionalInterface
  interface Encoder {
    void encode(Change change, MemorySegment key, MemorySegment value);
  }

  private final EntryMap trie;
  private final ExactSubnets exact;
  private final Encoder encoder;
  private final Consumer<Change> written;
  private final EntryBuffer keys;
  private final EntryBuffer values;
  private final List<Change> changes = new ArrayList<>();
  private final List<Subnet> subnets = new ArrayList<>();

  /**
   * @param written told of each change that the kernel has taken
   */
  SubnetRun(EntryMap trie, ExactSubnets exact, Encoder encoder, Consumer<Change> written) {
    this.written = written;
    this.trie = trie;
    this.exact = exact;
    this.encoder = encoder;
    this.keys = new EntryBuffer(trie.keyBytes());
    this.values = new EntryBuffer(trie.valueBytes());
  }

  EntryMap trie() {
    return trie;
  }

  /** Takes a change in; what cannot go with those before it sends these on their way first. */
  void add(Change change, Subnet subnet, List<Failure> failures) {
    if (changes.size() == MAX_ENTRIES
        || (!changes.isEmpty() && isPut(changes.getFirst()) != isPut(change))) {
      flush(failures);
    }
    int index = changes.size();
    try {
      encoder.encode(change, keys.entry(index), values.entry(index));
      changes.add(change);
      subnets.add(subnet);
    } catch (RuntimeException e) { // Also a full map of VTEPs.
      failures.add(new Failure(change, e));
    }
  }

  private static boolean isPut(Change change) {
    return !(change instanceof Change.RemoveSubnet);
  }

  /** Writes what is waiting. */
  void flush(List<Failure> failures) {
    if (changes.isEmpty()) {
      return;
    }
    try {
      writeAll();
      changes.forEach(written);
    } catch (RuntimeException refused) {
      // Part of the batch may be written. Writing an entry twice is harmless, so go one by one.
      for (int i = 0; i < changes.size(); i++) {
        writeOne(i, failures);
      }
    }
    changes.clear();
    subnets.clear();
  }

  private void writeAll() {
    if (isPut(changes.getFirst())) {
      trie.putAll(keys.all(), values.all(), changes.size());
      exact.put(subnets, values.all());
    } else {
      exact.remove(subnets);
      trie.removeAll(keys.all(), changes.size());
      exact.removed(subnets, trie);
    }
  }

  private void writeOne(int index, List<Failure> failures) {
    Change change = changes.get(index);
    List<Subnet> subnet = Collections.singletonList(subnets.get(index));
    try {
      if (isPut(change)) {
        trie.put(keys.entry(index), values.entry(index));
        exact.put(subnet, values.entry(index));
      } else {
        exact.remove(subnet);
        trie.remove(keys.entry(index));
        exact.removed(subnet, trie);
      }
      written.accept(change);
    } catch (RuntimeException refused) {
      failures.add(
          new Failure(change, MapFull.explain(trie, subnets.get(index).toString(), refused)));
    }
  }
}
