// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.control.Lease;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.store.LeaseText;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.control.store.NetworkText;
import dev.culvert.control.store.Overlaps;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * What etcd holds below the prefix, as of one revision. Not for several threads at once.
 *
 * <p>A key or a value that makes no sense harms only itself: it is a problem, and the lease that
 * the key held before stays until the value makes sense again or is gone.
 */
final class Contents {
  /**
   * The generation of a lease that was given back.
   *
   * @param modRevision of its key
   */
  record Released(long generation, long modRevision) {}

  /** What a change means for one lease. */
  record Change(Subnet subnet, Optional<Lease> now, boolean released) {}

  private final Keys keys;
  private final int defaultPort;
  private final NavigableMap<Subnet, Lease> leases = new TreeMap<>();
  private final Map<Subnet, Released> released = new HashMap<>();
  private final Map<String, NetworkSettings> networks = new HashMap<>();

  /** By key; sorted, so that they are told in the same order each time. */
  private final SortedMap<String, String> problems = new TreeMap<>();

  /** Of leases that people wrote; looked for again when a lease came or went. */
  private Optional<List<String>> overlaps = Optional.empty();

  /** Of all keys, to know etcd again. */
  private final Map<String, Long> modRevisions = new HashMap<>();

  /** What generations of new leases are above. */
  private Released floor = new Released(0, 0);

  private boolean marked;

  /** Whether newcomers are to wait. */
  private boolean fresh;

  Contents(Keys keys, int defaultPort) {
    this.keys = keys;
    this.defaultPort = defaultPort;
  }

  SortedMap<Subnet, Lease> leases() {
    return leases;
  }

  Optional<Released> released(Subnet subnet) {
    return Optional.ofNullable(released.get(subnet));
  }

  List<String> problems() {
    if (overlaps.isEmpty()) {
      overlaps = Optional.of(findOverlaps());
    }
    List<String> all = new ArrayList<>(problems.values());
    all.addAll(overlaps.get());
    return List.copyOf(all);
  }

  private List<String> findOverlaps() {
    return Overlaps.among(leases.values()).stream()
        .map(pair ->
            "The leases of %s and %s in etcd overlap (%s, %s); delete or mend one of them."
                .formatted(
                    pair.first(),
                    pair.second(),
                    keys.lease(pair.first().subnet()),
                    keys.lease(pair.second().subnet())))
        .toList();
  }

  Optional<NetworkSettings> network(Vni vni) {
    return Optional.ofNullable(networks.get(keys.settings(vni)));
  }

  /** With the revision of its key, 0 where there is none. */
  Released floor() {
    return floor;
  }

  /** Of all that is known. */
  long highestGeneration() {
    return LongStream.concat(
            leases.values().stream().mapToLong(Lease::generation),
            released.values().stream().mapToLong(Released::generation))
        .reduce(floor.generation(), Math::max);
  }

  /**
   * Whether something here, that was written by a revision, is not what was there at that revision:
   * then this is not the etcd that it was, though its revisions may have caught up.
   *
   * @param before as of that revision
   */
  boolean contradicts(Contents before, long revision) {
    return modRevisions.entrySet().stream()
        .anyMatch(key ->
            key.getValue() <= revision
                && !key.getValue().equals(before.modRevisions.get(key.getKey())));
  }

  /**
   * What another etcd, or this one after it lost all, lacks of what was here: leases that are not
   * there and were not given back, or of which something older is there.
   *
   * @param now what it holds
   */
  List<Lease> lostIn(Contents now) {
    return leases.values().stream().filter(now::lacks).toList();
  }

  /** Whether a lease is not here, though nobody gave it back, or an older one is in its place. */
  boolean lacks(Lease lease) {
    long back = released(lease.subnet()).map(Released::generation).orElse(0L);
    Lease there = leases.get(lease.subnet());
    return back < lease.generation() && (there == null || there.generation() < lease.generation());
  }

  /** At which revision a key was written last; 0 where it is not there. */
  long modRevision(String key) {
    return modRevisions.getOrDefault(key, 0L);
  }

  /** Whether the mark is there that somebody looked before. */
  boolean isMarked() {
    return marked;
  }

  /** Of all kinds, below the prefix. */
  long keyCount() {
    return modRevisions.size();
  }

  /** Whether there is a key, whatever its value is worth. */
  boolean has(String key) {
    return modRevisions.containsKey(key);
  }

  /** Whether the mark was written so short a time ago that newcomers wait. */
  boolean isFresh() {
    return fresh;
  }

  /** Takes over a key and its value; again is no harm. */
  List<Change> put(Json pair) {
    String key = pair.decoded("key");
    modRevisions.put(key, pair.number("mod_revision"));
    if (key.equals(keys.mark())) {
      marked = true;
    } else if (key.equals(keys.floor())) {
      putFloor(pair);
    } else if (key.startsWith(keys.leases())) {
      return putLease(key, pair.decoded("value"));
    } else if (key.startsWith(keys.released())) {
      putReleased(key, pair);
    } else if (key.startsWith(keys.networks())) {
      putNetwork(key, pair.decoded("value"));
    } else if (key.equals(keys.fresh())) {
      fresh = true;
    } else {
      problems.put(key, "The key " + key + " in etcd is none of Culvert's; delete it.");
    }
    return List.of();
  }

  private List<Change> putLease(String key, String value) {
    try {
      Lease lease = LeaseText.parse(value, defaultPort);
      if (!key.equals(keys.lease(lease.subnet()))) {
        problems.put(
            key,
            "The lease of "
                + lease.subnet()
                + " in etcd lies at "
                + key
                + " in place of "
                + keys.lease(lease.subnet())
                + "; move it.");
        return List.of();
      }
      problems.remove(key);
      if (leases.put(lease.subnet(), lease) == null) {
        overlaps = overlaps.filter(none -> none.isEmpty() && isApart(lease.subnet()));
      }
      return List.of(new Change(lease.subnet(), Optional.of(lease), false));
    } catch (MalformedException e) {
      problems.put(key, "The lease at " + key + " in etcd is malformed, " + e.getMessage());
      return List.of();
    }
  }

  /** Whether it shares no address with its neighbours; then with none, where no two others do. */
  private boolean isApart(Subnet subnet) {
    return Stream.of(leases.lowerKey(subnet), leases.higherKey(subnet))
        .filter(Objects::nonNull)
        .filter(other -> other.vni().equals(subnet.vni()))
        .noneMatch(other -> other.prefix().overlaps(subnet.prefix()));
  }

  private void putFloor(Json pair) {
    try {
      floor =
          new Released(Long.parseLong(pair.decoded("value").strip()), pair.number("mod_revision"));
      problems.remove(keys.floor());
    } catch (NumberFormatException e) {
      problems.put(
          keys.floor(), "The key " + keys.floor() + " in etcd holds no number; delete it.");
    }
  }

  private void putNetwork(String key, String value) {
    networks.remove(key);
    try {
      NetworkSettings settings = NetworkText.parse(value);
      if (!key.equals(keys.settings(settings.vni()))) {
        problems.put(
            key,
            "The network at " + key + " in etcd says VNI " + settings.vni() + "; move or mend it.");
        return;
      }
      problems.remove(key);
      networks.put(key, settings);
    } catch (MalformedException e) {
      problems.put(
          key,
          "The network at "
              + key
              + " in etcd is malformed, "
              + e.getMessage()
              + " It counts for nothing until it is mended.");
    }
  }

  private void putReleased(String key, Json pair) {
    Optional<Subnet> subnet = Keys.subnet(key, keys.released());
    try {
      long generation = Long.parseLong(pair.decoded("value").strip());
      problems.remove(key);
      subnet.ifPresentOrElse(
          known -> released.put(known, new Released(generation, pair.number("mod_revision"))),
          () -> problems.put(key, "The key " + key + " in etcd names no subnet; delete it."));
    } catch (NumberFormatException e) {
      problems.put(key, "The key " + key + " in etcd holds no generation; delete it.");
    }
  }

  /**
   * Forgets a key.
   *
   * @param givenBack whether the same change wrote down the generation that it had
   */
  List<Change> delete(String key, boolean givenBack) {
    problems.remove(key);
    networks.remove(key);
    modRevisions.remove(key);
    if (key.equals(keys.floor())) {
      floor = new Released(0, 0);
    }
    if (key.equals(keys.fresh())) {
      fresh = false;
    }
    if (key.equals(keys.mark())) {
      marked = false;
    } else if (key.startsWith(keys.leases())) {
      Optional<Subnet> subnet = Keys.subnet(key, keys.leases());
      if (subnet.isPresent() && leases.remove(subnet.get()) != null) {
        overlaps = overlaps.filter(List::isEmpty);
        return List.of(new Change(subnet.get(), Optional.empty(), givenBack));
      }
    } else if (key.startsWith(keys.released())) {
      Keys.subnet(key, keys.released()).ifPresent(released::remove);
    }
    return List.of();
  }

  /** What the events of one answer of a watch change, in order. */
  List<Change> apply(List<Json> events) {
    List<Change> changes = new ArrayList<>();
    Map<String, Long> givenBack = new HashMap<>();
    for (Json event : events) {
      Json pair = event.object("kv");
      String key = pair.decoded("key");
      if (!isDelete(event) && key.startsWith(keys.released())) {
        givenBack.put(key.substring(keys.released().length()), pair.number("mod_revision"));
      }
    }
    for (Json event : events) {
      Json pair = event.object("kv");
      String key = pair.decoded("key");
      if (!isDelete(event)) {
        changes.addAll(put(pair));
      } else {
        String name = key.startsWith(keys.leases()) ? key.substring(keys.leases().length()) : key;
        Long at = givenBack.get(name);
        changes.addAll(delete(key, at != null && at == pair.number("mod_revision")));
      }
    }
    return changes;
  }

  /** Whether the events of one answer of a watch end with the mark gone: all was lost then. */
  boolean isUnmarkedBy(List<Json> events) {
    return marked
        && events.stream()
            .filter(event -> event.object("kv").decoded("key").equals(keys.mark()))
            .reduce((_, last) -> last)
            .filter(Contents::isDelete)
            .isPresent();
  }

  private static boolean isDelete(Json event) {
    return event.text("type").equals("DELETE");
  }
}
