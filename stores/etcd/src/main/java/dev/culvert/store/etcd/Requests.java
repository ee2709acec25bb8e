// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import dev.culvert.datapath.Subnet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Requests in the gateway's JSON: etcd's api/etcdserverpb/rpc.proto. */
final class Requests {
  private Requests() {}

  static Map<String, Object> get(String key) {
    return Map.of("key", Json.encode(key));
  }

  static Map<String, Object> range(String beginning) {
    return Map.of("key", Json.encode(beginning), "range_end", Json.encode(Keys.end(beginning)));
  }

  /** How many keys there are, as {@code count} of the answer. */
  static Map<String, Object> count(String beginning) {
    Map<String, Object> request = new LinkedHashMap<>(range(beginning));
    request.put("count_only", true);
    return request;
  }

  /** One of those that were written at a revision or later, if there is one. */
  static Map<String, Object> anySince(String beginning, long revision) {
    Map<String, Object> request = new LinkedHashMap<>(range(beginning));
    request.put("keys_only", true);
    request.put("min_mod_revision", revision);
    request.put("limit", 1);
    return request;
  }

  static Map<String, Object> put(String key, String value) {
    return Map.of("key", Json.encode(key), "value", Json.encode(value));
  }

  /** A key that etcd removes with a lease of its own. */
  static Map<String, Object> putFor(String key, String value, long etcdLease) {
    return Map.of("key", Json.encode(key), "value", Json.encode(value), "lease", etcdLease);
  }

  /** Carried out whole if all hold. */
  static Map<String, Object> txn(
      List<Map<String, Object>> compare,
      List<Map<String, Object>> success,
      List<Map<String, Object>> failure) {
    return Map.of("compare", compare, "success", success, "failure", failure);
  }

  static Map<String, Object> asRange(Map<String, Object> range) {
    return Map.of("request_range", range);
  }

  /** One within another. */
  static Map<String, Object> asTxn(Map<String, Object> txn) {
    return Map.of("request_txn", txn);
  }

  /** A key and its value, as answers have them. */
  static Json pair(String key, String value, long modRevision) {
    return Json.of(
        Map.of(
            "key",
            Json.encode(key),
            "value",
            Json.encode(value),
            "mod_revision",
            String.valueOf(modRevision)));
  }

  static Map<String, Object> asPut(Map<String, Object> put) {
    return Map.of("request_put", put);
  }

  static Map<String, Object> asDelete(String key) {
    return Map.of("request_delete_range", get(key));
  }

  static Map<String, Object> isAbsent(String key) {
    return compare(key, "CREATE", "EQUAL", "create_revision", 0);
  }

  /**
   * @param revision 0 for a key that is not there
   */
  static Map<String, Object> wasWrittenAt(String key, long revision) {
    return compare(key, "MOD", "EQUAL", "mod_revision", revision);
  }

  static Map<String, Object> holds(String key, String value) {
    return compare(key, "VALUE", "EQUAL", "value", Json.encode(value));
  }

  /**
   * No key of a range was made after a revision.
   *
   * @param end the first key behind the range
   */
  private static Map<String, Object> nothingNewIn(String beginning, String end, long revision) {
    Map<String, Object> compare =
        new LinkedHashMap<>(compare(beginning, "CREATE", "LESS", "create_revision", revision + 1));
    compare.put("range_end", Json.encode(end));
    return compare;
  }

  /**
   * No subnet of another length than this one was claimed in its network after a revision: what is
   * of one length does not overlap.
   */
  static List<Map<String, Object>> nothingNewOfOtherLengths(
      Keys keys, Subnet subnet, long revision) {
    String network = keys.network(subnet.vni());
    String sameLength = keys.sameLength(subnet);
    return List.of(
        nothingNewIn(network, sameLength, revision),
        nothingNewIn(Keys.end(sameLength), Keys.end(network), revision));
  }

  private static Map<String, Object> compare(
      String key, String target, String result, String field, Object value) {
    return Map.of("key", Json.encode(key), "target", target, "result", result, field, value);
  }
}
