// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import dev.culvert.testing.BpfFolder;
import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
@RequiresRoot
final class BpfObjectKernelTest {
  private static final Pattern TAG = Pattern.compile("\\btag ([0-9a-f]{16})\\b");
  private static final byte[] NO_CONTEXT = {};

  private final Libc libc = Libc.system();
  private final OpenDescriptors descriptors = new OpenDescriptors();
  private BpfFolder pins;

  @BeforeEach
  void makePins() throws Exception {
    pins = BpfFolder.create();
  }

  @AfterEach
  void removePins() throws Exception {
    pins.close();
    descriptors.assertNoneLeaked();
  }

  @Test
  void tagsOfSampleEqualBpftools(@TempDir Path temp) throws Exception {
    assertTagsEqualBpftools(TestObjects.bytes("sample"), "sample.bpf.o", temp);
  }

  @Test
  void tagsOfCulvertEqualBpftools(@TempDir Path temp) throws Exception {
    assertTagsEqualBpftools(TestObjects.culvert(), "culvert.bpf.o", temp);
  }

  private void assertTagsEqualBpftools(byte[] file, String name, Path temp) throws Exception {
    Path copy = Files.write(temp.resolve(name), file);
    Path folder = pins.path().resolve("bpftool");
    Commands.run("bpftool", "prog", "loadall", copy.toString(), folder.toString());
    try (BpfObject object = BpfObject.load(libc, BpfObjectSpec.parse(file, name), Map.of())) {
      for (BpfObjectSpec.ProgramSpec program : object.spec().programs()) {
        String pin = folder.resolve(program.name()).toString();
        Matcher tag = TAG.matcher(Commands.run("bpftool", "prog", "show", "pinned", pin));
        assertTrue(tag.find());
        BpfProgram.Info ours = object.program(program.name()).info();
        assertEquals(tag.group(1), ours.tag(), program.name());
        assertTrue(ours.translatedBytes() > 0 && ours.id() > 0, ours.toString());
      }
    }
  }

  @Test
  void globalDataReachesThePrograms() {
    BpfObjectSpec spec = TestObjects.spec("sample").withGlobal("answer", 1000);
    try (BpfObject object = BpfObject.load(libc, spec, Map.of());
        Arena arena = Arena.ofConfined()) {
      assertEquals(1000, run(object, "answers").returnValue());
      // 2 * answer + 3 * 10 + 3 * 11 + initialised (5) + the packet's 60 bytes
      assertEquals(2000 + 30 + 33 + 5 + 60, run(object, "calls").returnValue());
      assertEquals(2000 + 30 + 33 + 5 + 60, run(object, "calls").returnValue());
      MemorySegment bss = arena.allocate(object.map(".bss").valueSlotBytes(), 8);
      assertTrue(object.map(".bss").get(arena.allocate(4, 4), bss));
      assertTrue(
          IntStreamOf.ints(bss).anyMatch(i -> i == 2), "zeroed counted two runs of \"calls\"");
      assertEquals("sample.rodata", object.map(".rodata").info().spec().name());
      KernelException frozen =
          assertThrows(
              KernelException.class,
              () -> {
                BpfMap rodata = object.map(".rodata");
                rodata.put(
                    arena.allocate(4, 4), arena.allocate(rodata.valueSlotBytes(), 8), BpfMap.ANY);
              });
      assertEquals(Errno.EPERM, frozen.errno());
    }
  }

  private static BpfProgram.TestRun run(BpfObject object, String program) {
    return object.program(program).testRun(new byte[60], NO_CONTEXT, 1);
  }

  @Test
  void testRunTakesAContextAndReturnsAGrownPacket() {
    try (BpfObject object = BpfObject.load(libc, TestObjects.spec("sample"), Map.of())) {
      byte[] context = new byte[64];
      // struct __sk_buff: mark is the third field of 4 bytes.
      ByteBuffer.wrap(context).order(ByteOrder.nativeOrder()).putInt(8, 77);
      assertEquals(
          77, object.program("returns_mark").testRun(new byte[60], context, 1).returnValue());

      byte[] packet = new byte[1400];
      packet[12] = 8; // EtherType IPv4, else the kernel refuses to make room
      packet[1399] = 42;
      BpfProgram.TestRun grown = object.program("grows").testRun(packet, NO_CONTEXT, 1);
      assertEquals(0, grown.returnValue());
      assertEquals(1450, grown.packet().length);
      assertEquals(42, grown.packet()[1449]);

      BpfProgram.TestRun many = object.program("answers").testRun(packet, NO_CONTEXT, 10_000);
      assertTrue(many.durationNs() < 10_000, many.toString());
      KernelException small =
          assertThrows(
              KernelException.class,
              () -> object.program("answers").testRun(new byte[3], NO_CONTEXT, 1));
      assertTrue(small.getMessage().contains("from 14 bytes"), small.getMessage());
    }
  }

  @Test
  void theVerifiersReasonComesFirst() {
    BpfObjectSpec spec = TestObjects.spec("rejected");
    VerifierRejected e =
        assertThrows(VerifierRejected.class, () -> BpfObject.load(libc, spec, Map.of()));
    assertEquals(Errno.EACCES, e.errno());
    String first = e.getMessage().lines().findFirst().orElseThrow();
    assertTrue(first.contains("program reads_past_the_end"), first);
    assertTrue(first.contains("outside of the packet"), first);
    assertTrue(e.log().contains("processed "), e.log());
    assertTrue(e.log().contains("skb->data"), "the log names source lines: " + e.log());
  }

  @Test
  void pinnedMapsAreUsedAgain() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(4, 4);
      MemorySegment value = arena.allocate(8, 8);
      Path folder = pins.path().resolve("deep/er");
      try (BpfObject object = BpfObject.loadPinned(libc, TestObjects.spec("sample"), folder)) {
        key.set(ValueLayout.JAVA_INT, 0, 1);
        value.set(ValueLayout.JAVA_LONG, 0, 99);
        object.map("table").put(key, value, BpfMap.NO_EXIST);
        object.program("counts").pin(folder.resolve("counts"));
      }
      try (BpfObject again = BpfObject.loadPinned(libc, TestObjects.spec("sample"), folder);
          BpfMap opened = BpfMap.openPinned(libc, folder.resolve("table"));
          BpfProgram old = BpfProgram.openPinned(libc, folder.resolve("counts"))) {
        assertEquals(99, run(again, "counts").returnValue());
        assertEquals(99, old.testRun(new byte[60], NO_CONTEXT, 1).returnValue());
        assertEquals("counts", old.name());
        assertEquals(again.map("table").info(), opened.info());
        value.fill((byte) 0);
        assertTrue(opened.get(key, value));
        assertEquals(99, value.get(ValueLayout.JAVA_LONG, 0));
      }
      assertWrongKind(folder);
    }
  }

  private void assertWrongKind(Path folder) {
    KernelException e =
        assertThrows(
            KernelException.class, () -> BpfMap.openPinned(libc, folder.resolve("counts")));
    assertTrue(e.getMessage().contains("it is no map but bpf-prog"), e.getMessage());
    e =
        assertThrows(
            KernelException.class, () -> BpfProgram.openPinned(libc, folder.resolve("gone")));
    assertEquals(Errno.ENOENT, e.errno());
    assertTrue(e.getMessage().contains("nothing is pinned there"), e.getMessage());
  }

  @Test
  void aPinnedMapOfAnotherLayoutIsRefusedByBothSizes() throws Exception {
    BpfObjectSpec spec = TestObjects.spec("sample");
    try (BpfObject first =
        BpfObject.loadPinned(libc, spec.withMaxEntries("table", 100), pins.path())) {
      assertEquals(100, first.map("table").info().spec().maxEntries());
    }
    RefusedException e =
        assertThrows(RefusedException.class, () -> BpfObject.loadPinned(libc, spec, pins.path()));
    assertTrue(e.getMessage().contains("100 entries"), e.getMessage());
    assertTrue(e.getMessage().contains("4 entries"), e.getMessage());
    assertTrue(e.getMessage().contains(pins.path() + "/table"), e.getMessage());
  }

  @Test
  void aMapOfAnotherSizeGivesWayToOneWithAllItsEntries() {
    BpfObjectSpec spec = TestObjects.spec("sample");
    try (Arena arena = Arena.ofConfined();
        BpfObject four = BpfObject.loadPinned(libc, spec, pins.path())) {
      MemorySegment key = arena.allocate(4, 4);
      MemorySegment value = arena.allocate(8, 8);
      for (int i = 1; i <= 3; i++) {
        key.set(ValueLayout.JAVA_INT, 0, i);
        value.set(ValueLayout.JAVA_LONG, 0, 90 + i);
        four.map("table").put(key, value, BpfMap.NO_EXIST);
      }
      try (BpfObject larger = resized(100);
          BpfMap pinned = BpfMap.openPinned(libc, pins.path().resolve("table"))) {
        assertEquals(100, pinned.maxEntries());
        assertEquals(larger.map("table").info(), pinned.info());
        assertNotEquals(four.map("table").info().id(), pinned.info().id());
        assertEquals(91, run(larger, "counts").returnValue());
        for (int i = 1; i <= 3; i++) {
          key.set(ValueLayout.JAVA_INT, 0, i);
          assertTrue(pinned.get(key, value));
          assertEquals(90 + i, value.get(ValueLayout.JAVA_LONG, 0));
        }
        KernelException e = assertThrows(KernelException.class, () -> resized(2));
        assertTrue(e.getMessage().contains("the map is full: it takes 2 entries"), e.getMessage());
        try (BpfMap still = BpfMap.openPinned(libc, pins.path().resolve("table"))) {
          assertEquals(pinned.info(), still.info());
        }
        assertFalse(Files.exists(pins.path().resolve("table_new")));
      }
    }
  }

  private BpfObject resized(int entries) {
    return BpfObject.loadPinned(
        libc,
        TestObjects.spec("sample").withMaxEntries("table", entries),
        pins.path(),
        Set.of("table"));
  }

  @Test
  void afterAFailureNothingIsLeft() {
    Path folder = pins.path().resolve("new");
    assertThrows(
        VerifierRejected.class,
        () -> BpfObject.loadPinned(libc, TestObjects.spec("rejected"), folder));
    assertFalse(Files.exists(folder));
  }

  @Test
  void pinningElsewhereSaysWhatToDo(@TempDir Path temp) {
    try (BpfObject object = BpfObject.load(libc, TestObjects.spec("sample"), Map.of())) {
      KernelException e =
          assertThrows(KernelException.class, () -> object.map("table").pin(temp.resolve("table")));
      assertTrue(e.getMessage().contains("mount -t bpf"), e.getMessage());
    }
  }

  /** Reads a segment as native integers. */
  private static final class IntStreamOf {
    static java.util.stream.IntStream ints(MemorySegment segment) {
      return java.util.stream.IntStream.range(0, (int) (segment.byteSize() / 4))
          .map(i -> segment.getAtIndex(ValueLayout.JAVA_INT, i));
    }
  }
}
