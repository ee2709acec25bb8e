// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.cni.conformance.check.Check;
import dev.culvert.cni.conformance.check.Checks;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ChecksTest {
  @Test
  void idsAreUniqueAndSayTheirPart() {
    Set<String> seen = new HashSet<>();
    for (Check check : Checks.all()) {
      assertTrue(seen.add(check.id()), check.id());
      assertTrue(check.id().matches("[a-z]+(\\.[a-z]+(-[a-z]+)*)+"), check.id());
    }
  }

  /** Otherwise a fault that does not exist would be none, and nobody would find it. */
  @Test
  void theReferencePluginKnowsEachFault() throws IOException {
    String plugin;
    try (InputStream in = getClass().getResourceAsStream("reference-plugin.py")) {
      plugin = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (Faults faults : Faults.all()) {
      assertTrue(plugin.contains('"' + faults.fault() + '"'), faults.fault());
    }
    assertEquals(
        Checks.all().stream().map(Check::id).toList(),
        Faults.all().stream().map(Faults::check).distinct().toList());
  }
}
