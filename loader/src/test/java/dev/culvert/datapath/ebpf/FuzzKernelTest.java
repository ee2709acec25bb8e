// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Packets that nobody would send, through every program. Each must end in the one verdict, and as
 * the very bytes, that {@link PacketOracle} says, whichever program it meets. What fails is printed
 * as hex, made as small as it goes.
 *
 * <p>{@code -Dfuzz.packets=10000000} for more than the default, {@code -Dseed=N} for the same
 * again.
 */
@Tag("kernel")
@RequiresRoot
class FuzzKernelTest {
  private static final int PACKETS = Integer.getInteger("fuzz.packets", 300_000);
  private static final int MOST_COUNTED_AT_ONCE = 1024;

  private static FuzzWorld world;

  @BeforeAll
  static void load() throws IOException {
    world = FuzzWorld.load();
  }

  @AfterAll
  static void close() {
    if (world != null) {
      world.close();
    }
  }

  @Test
  void everyTruncationMeetsEveryProgram() {
    int ran = 0;
    for (byte[] whole : seeds()) {
      for (int length = 14; length <= Math.min(whole.length, 200); length++) {
        for (FuzzWorld.Program program : FuzzWorld.Program.values()) {
          ran += check(program, Arrays.copyOf(whole, length), 0, "a truncation") ? 1 : 0;
        }
      }
    }
    world.requireAllCounted();
    System.out.println("FuzzKernelTest: " + ran + " truncated packets");
  }

  @Test
  void mutatedAndRandomPacketsMeetEveryProgram() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("FuzzKernelTest: " + PACKETS + " packets, -Dseed=" + seed);
    Random random = new Random(seed);
    PacketMutator mutator = new PacketMutator(random, seeds());
    FuzzWorld.Program[] programs = FuzzWorld.Program.values();
    int ran = 0;
    for (int i = 0; i < PACKETS; i++) {
      int gsoBytes = random.nextInt(16) == 0 ? 1 + random.nextInt(1500) : 0;
      FuzzWorld.Program program = programs[random.nextInt(programs.length)];
      ran += check(program, mutator.next(), gsoBytes, "seed " + seed) ? 1 : 0;
      if (i % MOST_COUNTED_AT_ONCE == 0) {
        world.requireAllCounted();
      }
    }
    world.requireAllCounted();
    System.out.println("FuzzKernelTest: " + ran + " were taken by the kernel; " + world.seen());
    assertTrue(ran > PACKETS / 2, "most packets were refused by BPF_PROG_TEST_RUN");
  }

  /** Every golden packet but the longest, of which mutation would change payload only. */
  private static List<byte[]> seeds() {
    return GoldenPacket.all().stream().map(GoldenPacket::in).filter(p -> p.length < 400).toList();
  }

  /** False when the kernel does not run programs on such a packet. */
  private static boolean check(FuzzWorld.Program program, byte[] packet, int gsoBytes, String of) {
    Optional<String> wrong;
    try {
      wrong = world.complaint(program, packet, gsoBytes);
    } catch (FuzzWorld.Refused refused) {
      return false;
    }
    if (wrong.isPresent()) {
      byte[] small = minimize(program, packet, gsoBytes);
      throw new AssertionError(
          "%s, %s, gso %d: %s%n  packet    %s%n  minimized %s"
              .formatted(of, program, gsoBytes, wrong.get(), hex(packet), hex(small)));
    }
    return true;
  }

  /** Cuts the end off and zeroes bytes as long as something is wrong. */
  private static byte[] minimize(FuzzWorld.Program program, byte[] packet, int gsoBytes) {
    byte[] small = packet;
    while (small.length > 14 && fails(program, Arrays.copyOf(small, small.length - 1), gsoBytes)) {
      small = Arrays.copyOf(small, small.length - 1);
    }
    for (int i = 0; i < small.length; i++) {
      byte[] zeroed = small.clone();
      zeroed[i] = 0;
      if (fails(program, zeroed, gsoBytes)) {
        small = zeroed;
      }
    }
    return small;
  }

  private static boolean fails(FuzzWorld.Program program, byte[] packet, int gsoBytes) {
    try {
      return world.complaint(program, packet, gsoBytes).isPresent();
    } catch (FuzzWorld.Refused refused) {
      return false;
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
