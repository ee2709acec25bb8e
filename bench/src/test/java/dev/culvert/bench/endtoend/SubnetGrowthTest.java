// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.IpPrefix;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SubnetGrowthTest {
  @Test
  void sixtyFiveThousandSubnetsAreAllDifferent() {
    assertEquals(
        65_000,
        IntStream.range(0, 65_000)
            .mapToObj(SubnetGrowth::subnet)
            .map(IpPrefix::parse)
            .distinct()
            .count());
  }
}
