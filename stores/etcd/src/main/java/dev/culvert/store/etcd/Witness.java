// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was written last, as far as a host heard. An etcd that was restored from a backup and has
 * gone on since may be at a greater revision than before; that at this one it holds something else
 * tells that its history is another.
 *
 * @param key as etcd gives it, in base64
 * @param value in base64
 * @param revision at which it was written
 */
record Witness(String key, String value, long revision) {
  private static Optional<Witness> latest(Collection<Json> pairs) {
    return pairs.stream()
        .map(pair -> new Witness(pair.text("key"), pair.text("value"), pair.number("mod_revision")))
        .max(Comparator.comparingLong(Witness::revision));
  }

  /** Of all that etcd holds. */
  static Optional<Witness> of(List<Json> pairs) {
    return latest(pairs);
  }

  /** Of the events of an answer; empty where all of them delete something. */
  static Optional<Witness> lastWritten(List<Json> events) {
    return latest(
        events.stream()
            .filter(event -> !event.text("type").equals("DELETE"))
            .map(event -> event.object("kv"))
            .toList());
  }

  /** Asks for what the key held then. */
  Map<String, Object> question() {
    return Map.of("key", key, "revision", revision);
  }

  /** Whether the answer is the same. */
  boolean isIn(Json answer) {
    return of(answer.objects("kvs")).equals(Optional.of(this));
  }
}
