// SPDX-License-Identifier: Apache-2.0
package dev.culvert.store.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Answers as etcd 3.4 gives them. */
final class WitnessTest {
  private static final Witness WITNESS = new Witness("L2EvYg==", "b25l", 12);

  private static Json pairs(String... pairs) throws IOException {
    return Json.parse("{\"kvs\":[" + String.join(",", pairs) + "]}");
  }

  private static String pair(String key, String value, int revision) {
    return "{\"key\":\"%s\",\"create_revision\":\"3\",\"mod_revision\":\"%d\",\"version\":\"2\",\"value\":\"%s\"}"
        .formatted(key, revision, value);
  }

  @Test
  void itIsWhatWasWrittenLast() throws IOException {
    Json all = pairs(pair("L2EvYQ==", "dHdv", 11), pair("L2EvYg==", "b25l", 12));
    assertEquals(Optional.of(WITNESS), Witness.of(all.objects("kvs")));
    Json events =
        Json.parse(
            "{\"events\":[{\"kv\":%s},{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2EvYQ==\",\"mod_revision\":\"13\"}}]}"
                .formatted(pair("L2EvYg==", "b25l", 12)));
    assertEquals(Optional.of(WITNESS), Witness.lastWritten(events.objects("events")));
    assertEquals(Map.of("key", "L2EvYg==", "revision", 12L), WITNESS.question());
  }

  /** An old backup, which has gone on: the revision is there again, with another history. */
  @Test
  void anotherHistoryDiffersAtTheSameRevision() throws IOException {
    assertTrue(WITNESS.isIn(pairs(pair("L2EvYg==", "b25l", 12))));
    assertFalse(WITNESS.isIn(pairs(pair("L2EvYg==", "b25l", 9))));
    assertFalse(WITNESS.isIn(pairs(pair("L2EvYg==", "dHdv", 12))));
    assertFalse(WITNESS.isIn(pairs()));
  }
}
