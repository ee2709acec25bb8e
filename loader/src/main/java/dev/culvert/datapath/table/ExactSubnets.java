// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.EXACT4_KEY;
import static dev.culvert.datapath.table.Layouts.EXACT6_KEY;
import static dev.culvert.datapath.table.Layouts.SUBNET_MASKS;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.object.StructLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Maps exact4 and exact6: the subnets of the usual size once more, where a hash finds them in a
 * time that does not grow with their number. Map masks holds that size.
 *
 * <p>The tries stay the truth. An entry here is a copy, and is taken away where it could answer
 * otherwise than the trie: when a longer prefix lies in the subnet, or when it could not be
 * written.
 */
final class ExactSubnets {
  private static final ByFamily<StructLayout> KEYS = new ByFamily<>(EXACT4_KEY, EXACT6_KEY);

  /** In map masks, the usual length of each family as a mask. */
  private static final ByFamily<String> MASKS = new ByFamily<>("ipv4", "ipv6");

  private final ByFamily<Copies> copies;
  private final EntryMap masks;

  ExactSubnets(EntryMap exact4, EntryMap exact6, EntryMap masks) {
    this.masks = masks;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(SUBNET_MASKS.sizeBytes(), 8);
      masks.get(key(arena), value);
      copies =
          new ByFamily<>(
              new Copies(IpFamily.IPV4, exact4, length(value, IpFamily.IPV4)),
              new Copies(IpFamily.IPV6, exact6, length(value, IpFamily.IPV6)));
    }
  }

  /** As many as the mask has ones. */
  private static int length(MemorySegment masks, IpFamily family) {
    int ones = 0;
    for (byte b : Layouts.getRaw(masks, SUBNET_MASKS, MASKS.of(family), family).getAddress()) {
      ones += Integer.bitCount(Byte.toUnsignedInt(b));
    }
    return ones;
  }

  private static MemorySegment key(Arena arena) {
    return arena.allocate(Layouts.MASKS_KEY); // the one entry, 0
  }

  private Copies copies(Subnet subnet) {
    return copies.of(subnet.prefix().family());
  }

  /** Tells of an entry that the trie had before this instance. */
  void recover(Subnet subnet) {
    copies(subnet).recover(subnet);
  }

  /**
   * Makes {@code length} the usual length of its family, as this host's own subnet has it. All
   * entries follow, from what the trie holds; meanwhile the trie answers.
   */
  void setUsualLength(IpFamily family, int length, EntryMap trie) {
    if (copies.of(family).length == length) {
      return;
    }
    writeMask(family, 0);
    copies.of(family).rebuild(length, trie);
    writeMask(family, length);
  }

  private void writeMask(IpFamily family, int length) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(SUBNET_MASKS.sizeBytes(), 8);
      masks.get(key(arena), value);
      Layouts.putRaw(value, SUBNET_MASKS, MASKS.of(family), family.mask(length));
      masks.put(key(arena), value);
    }
  }

  /**
   * Follows the trie, which holds these entries since a moment ago.
   *
   * @param subnets of one family
   * @param values one after the other, in the order of {@code subnets}
   */
  void put(List<Subnet> subnets, MemorySegment values) {
    if (!subnets.isEmpty()) {
      copies(subnets.getFirst()).put(subnets, values);
    }
  }

  /** Goes before the trie, which is about to lose these entries. */
  void remove(List<Subnet> subnets) {
    if (!subnets.isEmpty()) {
      copies(subnets.getFirst()).remove(subnets);
    }
  }

  /**
   * Follows the trie, which lost these entries: where a longer prefix lay, the copy may be back.
   */
  void removed(List<Subnet> subnets, EntryMap trie) {
    if (!subnets.isEmpty()) {
      copies(subnets.getFirst()).removed(subnets, trie);
    }
  }

  /** The copies of one family. */
  private static final class Copies {
    private final IpFamily family;
    private final EntryMap exact;
    private final EntryBuffer keys;

    /** The usual length; 0: none, and no entries. */
    private int length;

    /** What is longer than usual, by the subnet of usual length that it lies in. */
    private final Map<Subnet, Set<Subnet>> longer = new HashMap<>();

    Copies(IpFamily family, EntryMap exact, int length) {
      this.family = family;
      this.exact = exact;
      this.keys = new EntryBuffer(exact.keyBytes());
      this.length = length;
    }

    void recover(Subnet subnet) {
      if (isLonger(subnet)) {
        longer.computeIfAbsent(usual(subnet), _ -> new HashSet<>()).add(subnet);
      }
    }

    private boolean isLonger(Subnet subnet) {
      return length > 0 && subnet.prefix().length() > length;
    }

    void rebuild(int newLength, EntryMap trie) {
      List<Subnet> stale = new ArrayList<>();
      exact.forEach((key, value) -> stale.add(decodeKey(family, key, length)));
      each(stale, key -> exact.remove(key));
      length = newLength;
      longer.clear();
      trie.forEach((key, value) -> recover(SubnetEntries.decodeKey(family, key)));
      copy(trie, subnet -> true);
    }

    /** Copies from the trie what belongs here and is asked for. */
    private void copy(EntryMap trie, Predicate<Subnet> wanted) {
      trie.forEach((key, value) -> {
        Subnet subnet = SubnetEntries.decodeKey(family, key);
        if (belongs(subnet) && wanted.test(subnet)) {
          putOne(subnet, value);
        }
      });
    }

    private boolean belongs(Subnet subnet) {
      return length > 0 && subnet.prefix().length() == length && !longer.containsKey(subnet);
    }

    void put(List<Subnet> subnets, MemorySegment values) {
      if (allBelong(subnets) && putAll(subnets, values)) {
        return;
      }
      for (int i = 0; i < subnets.size(); i++) {
        Subnet subnet = subnets.get(i);
        if (belongs(subnet)) {
          putOne(subnet, values.asSlice((long) i * exact.valueBytes(), exact.valueBytes()));
        } else if (isLonger(subnet)) {
          recover(subnet);
          each(List.of(usual(subnet)), exact::remove);
        }
      }
    }

    private boolean allBelong(List<Subnet> subnets) {
      for (int i = 0; i < subnets.size(); i++) {
        if (!belongs(subnets.get(i))) {
          return false;
        }
      }
      return true;
    }

    /** False when some may not be written. */
    private boolean putAll(List<Subnet> subnets, MemorySegment values) {
      try {
        for (int i = 0; i < subnets.size(); i++) {
          encodeKey(subnets.get(i), keys.entry(i));
        }
        exact.putAll(keys.all(), values, subnets.size());
        return true;
      } catch (RuntimeException partly) {
        return false; // they are written one by one then
      }
    }

    private void putOne(Subnet subnet, MemorySegment value) {
      each(
          List.of(subnet),
          key -> {
            try {
              exact.put(key, value);
            } catch (RuntimeException full) {
              // Without a copy the trie answers; an outdated copy would be wrong.
              exact.remove(key);
            }
          });
    }

    void remove(List<Subnet> subnets) {
      each(
          subnets.stream().filter(subnet -> subnet.prefix().length() == length).toList(),
          exact::remove);
    }

    void removed(List<Subnet> subnets, EntryMap trie) {
      Set<Subnet> uncovered = new HashSet<>();
      for (Subnet subnet : subnets) {
        if (isLonger(subnet) && isLastIn(usual(subnet), subnet)) {
          uncovered.add(usual(subnet));
        }
      }
      if (!uncovered.isEmpty()) {
        copy(trie, uncovered::contains);
      }
    }

    private boolean isLastIn(Subnet usual, Subnet subnet) {
      Set<Subnet> others = longer.get(usual);
      if (others == null || !others.remove(subnet) || !others.isEmpty()) {
        return false;
      }
      longer.remove(usual);
      return true;
    }

    /** The subnet of usual length that a longer one lies in. */
    private Subnet usual(Subnet subnet) {
      return new Subnet(subnet.vni(), IpPrefix.containing(subnet.prefix().address(), length));
    }

    private void each(List<Subnet> subnets, Consumer<MemorySegment> action) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment key = arena.allocate(exact.keyBytes(), 8);
        for (Subnet subnet : subnets) {
          encodeKey(subnet, key);
          action.accept(key);
        }
      }
    }

    private void encodeKey(Subnet subnet, MemorySegment key) {
      StructLayout layout = KEYS.of(family);
      Layouts.putInt(key, layout, "vni", subnet.vni().value());
      Layouts.putRaw(key, layout, "address", subnet.prefix().address());
    }
  }

  private static Subnet decodeKey(IpFamily family, MemorySegment key, int length) {
    StructLayout layout = KEYS.of(family);
    return new Subnet(
        new Vni(Layouts.getInt(key, layout, "vni")),
        new IpPrefix(Layouts.getRaw(key, layout, "address", family), length));
  }
}
