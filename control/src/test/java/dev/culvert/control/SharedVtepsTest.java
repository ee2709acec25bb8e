// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import static dev.culvert.control.Fixtures.lease;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class SharedVtepsTest {
  @Test
  void twoHostsOfOneAddressAreNamedWithIt() {
    List<String> sentences =
        SharedVteps.find(
            List.of(
                lease("10.244.9.0/24", "twin-9", 1, "10.0.2.15", 1),
                lease("10.244.7.0/24", "other", 1, "10.0.2.16", 1),
                lease("10.244.8.0/24", "twin-8", 1, "10.0.2.15", 1)));
    assertEquals(1, sentences.size());
    assertTrue(
        sentences
            .getFirst()
            .startsWith("The leases of twin-8 and twin-9 name one VTEP address, 10.0.2.15, where"),
        sentences.toString());
  }

  @Test
  void oneHostWithALeaseOfEachFamilyIsNoTwin() {
    assertEquals(
        List.of(),
        SharedVteps.find(
            List.of(
                lease("10.244.1.0/24", "host-01", 1, "10.17.2.2", 1),
                lease("fd00:244:0:1::/64", "host-01", 1, "10.17.2.2", 1))));
  }

  @Test
  void aHundredTwinsAreNoPage() {
    List<String> sentences =
        SharedVteps.find(
            IntStream.range(1, 200)
                .mapToObj(i -> lease("10.244." + i + ".0/24", "host-" + i, 1, "10.0.2." + i / 2, 1))
                .toList());
    assertEquals(10, sentences.size());
  }
}
