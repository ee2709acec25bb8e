// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.datapath.table.PrebuiltObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class MapSizesTest {
  private static Map<String, Integer> sizes(BpfObjectSpec object) {
    return object.maps().stream().collect(Collectors.toMap(MapSpec::name, MapSpec::maxEntries));
  }

  @Test
  void theDefaultIsWhatTheObjectWasBuiltWith() {
    BpfObjectSpec built = PrebuiltObject.spec();
    assertEquals(sizes(built), sizes(MapSizes.DEFAULT.applyTo(built)));
  }

  @Test
  void everyMapOfAKindFollows() {
    Map<String, Integer> expected = sizes(PrebuiltObject.spec());
    for (String map : new String[] {"subnets4", "subnets6", "exact4", "exact6", "vteps", "paths"}) {
      assertEquals(65536, expected.put(map, 200_000), map);
    }
    for (String map : new String[] {"endpoints4", "endpoints6", "interfaces"}) {
      assertEquals(16384, expected.put(map, 50), map);
    }
    assertEquals(expected, sizes(new MapSizes(200_000, 50).applyTo(PrebuiltObject.spec())));
  }

  @Test
  void noRoomAndTooMuchAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new MapSizes(0, 1));
    assertThrows(IllegalArgumentException.class, () -> new MapSizes(1, 0));
    assertThrows(IllegalArgumentException.class, () -> new MapSizes(MapSizes.MAX + 1, 1));
  }
}
