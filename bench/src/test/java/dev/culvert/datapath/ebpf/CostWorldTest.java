// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Holds what Java sets in the measuring programs against the BTF of their object. */
class CostWorldTest {
  @Test
  void mirrorsTheStructInC() {
    assertEquals(List.of(), CostWorld.STATE.checkAgainst(CostWorld.spec().btf()));
  }
}
