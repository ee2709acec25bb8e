// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.bpf.BpfObjectSpec.MapSpec;
import dev.culvert.kernel.system.FileDescriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * What a kernel says no to, and what we make of it: without root, on a kernel that is not there.
 */
final class RefusalTest {
  private static final MapSpec HASH = new MapSpec("subnets4", 1, new MapSpec.Sizes(4, 8, 16), 0);

  private static long refusal(Errno errno) {
    return -errno.number();
  }

  @Test
  void withoutPrivilegesItSaysWhichAreNeeded() {
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            return refusal(Errno.EPERM);
          }
        };
    KernelException e =
        assertThrows(
            KernelException.class,
            () -> BpfObject.load(kernel, TestObjects.spec("sample"), Map.of()));
    assertTrue(e.getMessage().startsWith("BPF_BTF_LOAD on sample.bpf.o: EPERM"), e.getMessage());
    assertTrue(e.getMessage().contains("CAP_BPF"), e.getMessage());
    e = assertThrows(KernelException.class, () -> BpfMap.create(kernel, HASH));
    assertTrue(e.getMessage().startsWith("BPF_MAP_CREATE on map subnets4"), e.getMessage());
    assertEquals(Set.of(), kernel.open());
  }

  @Test
  void withoutBpfItSaysSo() {
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            return refusal(Errno.ENOSYS);
          }
        };
    KernelException e = assertThrows(KernelException.class, () -> BpfMap.create(kernel, HASH));
    assertTrue(e.getMessage().contains("CONFIG_BPF_SYSCALL"), e.getMessage());
  }

  /** Loads up to the n-th descriptor, then refuses: whatever was made must be closed again. */
  @Test
  void aLoadThatFailsAnywhereLeavesNoDescriptor() {
    BpfObjectSpec spec = TestObjects.spec("sample");
    int needed = 1 + spec.maps().size() + spec.dataMaps().size() + spec.programs().size();
    for (int allowed = 0; allowed <= needed; allowed++) {
      LimitedKernel kernel = new LimitedKernel(allowed);
      if (allowed < needed) {
        KernelException e =
            assertThrows(KernelException.class, () -> BpfObject.load(kernel, spec, Map.of()));
        assertEquals(Errno.EMFILE, e.errno());
        assertTrue(e.getMessage().contains("ulimit -n"), e.getMessage());
      } else {
        BpfObject object = BpfObject.load(kernel, spec, Map.of());
        assertEquals(needed - 1, kernel.open().size(), "all but the BTF");
        object.close();
      }
      assertEquals(Set.of(), kernel.open(), allowed + " descriptors allowed");
    }
  }

  private static final class LimitedKernel extends FakeLibc {
    private int left;

    LimitedKernel(int left) {
      this.left = left;
    }

    @Override
    long bpf(int command, MemorySegment attr) {
      return switch (command) {
        case Bpf.BTF_LOAD, Bpf.MAP_CREATE, Bpf.PROG_LOAD ->
            left-- > 0 ? descriptor() : refusal(Errno.EMFILE);
        default -> 0;
      };
    }
  }

  @Test
  void aKernelThatTakesNoBtfLoadsWithout() {
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            return switch (command) {
              case Bpf.BTF_LOAD -> refusal(Errno.EINVAL);
              case Bpf.MAP_CREATE -> {
                assertEquals(0, attr.get(JAVA_INT, 48), "btf_fd");
                yield descriptor();
              }
              case Bpf.PROG_LOAD -> {
                assertEquals(0, attr.get(JAVA_INT, 72), "prog_btf_fd");
                yield descriptor();
              }
              default -> 0;
            };
          }
        };
    BpfObject.load(kernel, TestObjects.spec("sample"), Map.of()).close();
    assertEquals(Set.of(), kernel.open());
  }

  @Test
  void aProgramIsTriedAgainWhenASignalInterruptsTheVerifier() {
    int[] interruptions = {3};
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            return switch (command) {
              case Bpf.PROG_LOAD -> interruptions[0]-- > 0 ? refusal(Errno.EAGAIN) : descriptor();
              case Bpf.BTF_LOAD, Bpf.MAP_CREATE -> descriptor();
              default -> 0;
            };
          }
        };
    BpfObject.load(kernel, TestObjects.spec("rejected"), Map.of()).close();
    assertEquals(List.of(18, 5, 5, 5, 5, 5), kernel.commands);
  }

  /** The verifier's log does not fit: the buffer grows until it does. */
  @Test
  void theLogGrowsUntilItFits() {
    List<Integer> sizes = new ArrayList<>();
    String log =
        "0: (79) r1 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\nprocessed 1 insns\n";
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            if (command != Bpf.PROG_LOAD) {
              return descriptor();
            }
            int size = attr.get(JAVA_INT, 28);
            sizes.add(size);
            if (size == 0) {
              return refusal(Errno.EACCES);
            }
            if (size < 1_000_000) {
              return refusal(Errno.ENOSPC);
            }
            byte[] bytes = log.getBytes(StandardCharsets.UTF_8);
            MemorySegment.copy(bytes, 0, at(attr, 32, size), JAVA_BYTE, 0, bytes.length);
            return refusal(Errno.EACCES);
          }
        };
    VerifierRejected e =
        assertThrows(
            VerifierRejected.class,
            () -> BpfObject.load(kernel, TestObjects.spec("rejected"), Map.of()));
    assertEquals(List.of(0, 1 << 16, 1 << 18, 1 << 20), sizes);
    assertEquals(
        "BPF_PROG_LOAD on program good: EACCES (permission denied); the verifier says: R1 invalid mem access 'scalar'\n"
            + "  | 0: (79) r1 = *(u64 *)(r1 +0)",
        e.getMessage());
    assertEquals(log, e.log());
    assertEquals(Set.of(), kernel.open());
  }

  /** A kernel without batches (EINVAL), and one that stops part-way and tells how far it came. */
  @Test
  void batchesGoOnOneByOne() {
    for (int done : new int[] {-1, 0, 3}) {
      List<Integer> written = new ArrayList<>();
      FakeLibc kernel =
          new FakeLibc() {
            @Override
            long bpf(int command, MemorySegment attr) {
              return switch (command) {
                case Bpf.MAP_CREATE -> descriptor();
                case Bpf.MAP_UPDATE_BATCH -> {
                  if (done >= 0) {
                    attr.set(JAVA_INT, 32, done);
                  }
                  yield refusal(done < 0 ? Errno.EINVAL : Errno.ENOMEM);
                }
                case Bpf.MAP_UPDATE_ELEM -> {
                  written.add(at(attr, 8, 4).get(JAVA_INT, 0));
                  assertEquals(
                      written.getLast() * 10L, at(attr, 16, 8).get(JAVA_LONG, 0), "its value");
                  yield 0;
                }
                default -> throw new AssertionError("command " + command);
              };
            }
          };
      try (BpfMap map = BpfMap.create(kernel, HASH);
          Arena arena = Arena.ofConfined()) {
        MemorySegment keys = arena.allocate(20, 8);
        MemorySegment values = arena.allocate(40, 8);
        for (int i = 0; i < 5; i++) {
          keys.setAtIndex(JAVA_INT, i, i);
          values.setAtIndex(JAVA_LONG, i, 10L * i);
        }
        map.putAll(keys, values, 5);
      }
      assertEquals(done == 3 ? List.of(3, 4) : List.of(0, 1, 2, 3, 4), written);
    }
  }

  @Test
  void aFullMapIsNamedWithItsSize() {
    for (Errno errno : new Errno[] {Errno.E2BIG, Errno.ENOSPC}) {
      FakeLibc kernel =
          new FakeLibc() {
            @Override
            long bpf(int command, MemorySegment attr) {
              return command == Bpf.MAP_CREATE ? descriptor() : refusal(errno);
            }
          };
      try (BpfMap map = BpfMap.create(kernel, HASH);
          Arena arena = Arena.ofConfined()) {
        KernelException e =
            assertThrows(
                KernelException.class,
                () -> map.put(arena.allocate(4), arena.allocate(8), BpfMap.ANY));
        assertEquals(errno, e.errno());
        assertTrue(
            e.getMessage().contains("map subnets4") && e.getMessage().contains("takes 16 entries"),
            e.getMessage());
      }
    }
  }

  /** What the kernel writes, and what it leaves at 0; refused, the question names its object. */
  @Test
  void whatTheKernelTellsOfAMapIsReadAndARefusalNamesTheMap() {
    boolean[] willing = {true};
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            if (command == Bpf.MAP_CREATE) {
              return descriptor();
            }
            assertEquals(Bpf.OBJ_GET_INFO_BY_FD, command);
            assertEquals(1000, attr.get(JAVA_INT, 0), "bpf_fd");
            MemorySegment info = at(attr, 8, attr.get(JAVA_INT, 4));
            info.set(JAVA_INT, 0, 1);
            info.set(JAVA_INT, 4, 77);
            info.setString(24, "subnets4");
            return willing[0] ? 0 : refusal(Errno.EPERM);
          }
        };
    try (BpfMap map = BpfMap.create(kernel, HASH)) {
      assertEquals(
          new BpfMap.Info(77, new MapSpec("subnets4", 1, new MapSpec.Sizes(0, 0, 0), 0)),
          map.info());
      willing[0] = false;
      KernelException e = assertThrows(KernelException.class, map::info);
      assertTrue(
          e.getMessage().startsWith("BPF_OBJ_GET_INFO_BY_FD on map subnets4: EPERM"),
          e.getMessage());
    }
  }

  @Test
  void oldKernelsAreToldFromBrokenCalls() {
    FakeLibc old = kernelWhoseLinksAnswer(Errno.EINVAL, Errno.EINVAL);
    Unsupported e = assertThrows(Unsupported.class, () -> attachTcx(old));
    assertEquals("6.6", e.kernelNeeded());
    assertTrue(e.getMessage().contains("use Linux 6.6 or later"), e.getMessage());
    assertFalse(Features.of(old).tcx());

    FakeLibc current = kernelWhoseLinksAnswer(Errno.ENODEV, Errno.EINVAL);
    KernelException refused = assertThrows(KernelException.class, () -> attachTcx(current));
    assertFalse(refused instanceof Unsupported, refused.getMessage());
    assertEquals(Errno.EINVAL, refused.errno());
    assertEquals(Set.of(), current.open(), "the program of the trial too");
  }

  /** A kernel that answers links to interface -1, which there never is, in a way of its own. */
  private static FakeLibc kernelWhoseLinksAnswer(Errno nowhere, Errno elsewhere) {
    return new FakeLibc() {
      @Override
      long bpf(int command, MemorySegment attr) {
        if (command != Bpf.LINK_CREATE) {
          return descriptor();
        }
        return refusal(attr.get(JAVA_INT, 4) == -1 ? nowhere : elsewhere);
      }
    };
  }

  private static void attachTcx(FakeLibc kernel) {
    try (BpfProgram program =
        new BpfProgram(
            new Bpf(kernel), new FileDescriptor(kernel, (int) kernel.descriptor()), "p")) {
      Link.attachTcx(kernel, program, 1, Link.Direction.INGRESS).close();
    }
  }

  @Test
  void whatAKernelCanIsTriedOnceAndARefusalIsNoAnswer() {
    FakeLibc current = kernelWhoseLinksAnswer(Errno.ENODEV, Errno.EINVAL);
    Features features = Features.of(current);
    assertTrue(features.tcx());
    assertTrue(features.tcx());
    assertEquals(List.of(Bpf.PROG_LOAD, Bpf.LINK_CREATE), current.commands);

    FakeLibc forbidden =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            return refusal(Errno.EPERM);
          }
        };
    KernelException e = assertThrows(KernelException.class, () -> Features.of(forbidden).tcx());
    assertEquals(Errno.EPERM, e.errno());
  }

  @Test
  void statisticsAreAskedForByTypeAndEndWithTheirDescriptor() {
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            assertEquals(0, attr.get(JAVA_INT, 0), "BPF_STATS_RUN_TIME");
            return descriptor();
          }
        };
    RunStatistics statistics = RunStatistics.enable(kernel);
    assertEquals(List.of(32), kernel.commands); // BPF_ENABLE_STATS
    assertEquals(1, kernel.open().size());
    statistics.close();
    assertEquals(Set.of(), kernel.open());
  }

  @Test
  void statisticsThatTheKernelDoesNotHave() {
    FakeLibc kernel =
        new FakeLibc() {
          @Override
          long bpf(int command, MemorySegment attr) {
            return refusal(Errno.EINVAL);
          }
        };
    Unsupported e = assertThrows(Unsupported.class, () -> RunStatistics.enable(kernel));
    assertEquals("5.8", e.kernelNeeded());
    assertTrue(e.getMessage().startsWith("BPF_ENABLE_STATS on run time: EINVAL"), e.getMessage());
  }
}
