// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.PossibleCpus;
import dev.culvert.testing.BpfFolder;
import dev.culvert.testing.RequiresRoot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Maps of maps are loaded with the maps that their object puts there: programs find them. */
@Tag("kernel")
@RequiresRoot
final class InitialMapsKernelTest {
  /** Where struct __sk_buff has its mark, in bytes; a test run takes nothing else here. */
  private static final int MARK = 8;

  private static final int CONTEXT_BYTES = 192;
  private final Libc libc = Libc.system();
  private final BpfObjectSpec spec = TestObjects.spec("initial_maps");

  @Test
  void programsFindTheMapsThatTheObjectPutThere() {
    try (BpfObject object = BpfObject.load(libc, spec, Map.of())) {
      write(object.map("first"), 11);
      write(object.map("second"), 22);
      assertEquals(11, run(object, "reads_place", 0));
      assertEquals(-1, run(object, "reads_place", 1));
      assertEquals(-1, run(object, "reads_place", 2));
      assertEquals(22, run(object, "reads_place", 3));
      assertEquals(-1, run(object, "reads_table", 0));
      assertEquals(11, run(object, "reads_table", 2));
    }
  }

  @Test
  void aPinnedOneKeepsWhatItHolds() throws Exception {
    try (BpfFolder pins = BpfFolder.create()) {
      try (BpfObject first = BpfObject.loadPinned(libc, spec, pins.path());
          Arena arena = Arena.ofConfined()) {
        assertTrue(first.map("places").remove(arena.allocateFrom(JAVA_INT, 3)));
      }
      try (BpfObject second = BpfObject.loadPinned(libc, spec, pins.path())) {
        write(second.map("first"), 11);
        assertEquals(11, run(second, "reads_place", 0));
        assertEquals(-1, run(second, "reads_place", 3));
      }
    }
  }

  @Test
  void aMapOfAnotherFormIsRefusedInWords() {
    BpfObjectSpec other = spec.withMaxEntries("second", 2);
    var e = assertThrows(RefusedException.class, () -> BpfObject.load(libc, other, Map.of()));
    assertTrue(e.getMessage().contains("places takes no such map as second"), e.getMessage());
  }

  @Test
  void aPerfEventArrayHasAPlaceForEachCpu() {
    try (BpfObject object = BpfObject.load(libc, spec, Map.of())) {
      assertEquals(PossibleCpus.count(), object.map("events").info().spec().maxEntries());
      assertEquals(PossibleCpus.count(), object.map("events").maxEntries());
    }
    try (BpfObject resized = BpfObject.load(libc, spec.withMaxEntries("events", 1), Map.of())) {
      assertEquals(1, resized.map("events").info().spec().maxEntries());
    }
  }

  private static void write(BpfMap map, int value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(JAVA_INT, 0);
      map.put(key, arena.allocateFrom(JAVA_INT, value), BpfMap.ANY);
    }
  }

  private static int run(BpfObject object, String program, int mark) {
    byte[] context = new byte[CONTEXT_BYTES];
    ByteBuffer.wrap(context).order(ByteOrder.nativeOrder()).putInt(MARK, mark);
    return object.program(program).testRun(new byte[64], context, 1).returnValue();
  }
}
