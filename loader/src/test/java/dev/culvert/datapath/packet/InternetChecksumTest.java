// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.packet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InternetChecksumTest {
  @Test
  void theExampleOfRfc1071() {
    ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex("0001f203f4f5f6f7"));
    assertEquals(0xddf2, InternetChecksum.fold(InternetChecksum.sum(bytes, 0, 8)));
    assertEquals((short) ~0xddf2, InternetChecksum.of(InternetChecksum.sum(bytes, 0, 8)));
  }

  @Test
  void everyLengthIsTheSumOfItsWords() {
    byte[] random = new byte[131];
    new Random(1).nextBytes(random);
    ByteBuffer bytes = ByteBuffer.wrap(random);
    for (int from = 0; from < 3; from++) {
      for (int count = 0; from + count <= random.length; count++) {
        long slow = 0;
        for (int i = 0; i < count; i++) {
          slow += (random[from + i] & 0xffL) << (i % 2 == 0 ? 8 : 0);
        }
        assertEquals(
            InternetChecksum.fold(slow),
            InternetChecksum.fold(InternetChecksum.sum(bytes, from, count)),
            count + " bytes from " + from);
      }
    }
  }

  @Test
  void udpNeverSaysNone() {
    assertEquals((short) 0xffff, InternetChecksum.ofUdp(0xffff));
    assertEquals((short) 0, InternetChecksum.of(0xffff));
  }
}
