// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.RefusedException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class MasqueradeTest {
  private static List<IpPrefix> prefixes(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> IpPrefix.parse("192.168." + i + ".0/24"))
        .toList();
  }

  @Test
  void whatIsExceptedTwiceCountsOnce() {
    IpPrefix four = IpPrefix.parse("192.168.0.0/16");
    IpPrefix six = IpPrefix.parse("fd00::/8");
    assertEquals(List.of(four, six), new Masquerade(List.of(six, four, six)).except());
    assertEquals(new Masquerade(List.of(four, six)), new Masquerade(List.of(six, four)));
    assertEquals(Masquerade.ALL, new Masquerade(List.of()));
  }

  @Test
  void moreExceptionsThanTheKernelShouldTryAreRefused() {
    assertEquals(64, new Masquerade(prefixes(64)).except().size());
    String message =
        assertThrows(RefusedException.class, () -> new Masquerade(prefixes(65))).getMessage();
    assertTrue(message.contains("at most 64 exceptions, not 65"), message);
  }
}
