// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The oracle of checksums tells right, wrong and merged apart. It needs tshark, and no kernel. */
@Tag("netns")
final class BadChecksumsNetnsTest {
  /** From 10.244.1.2 to 10.244.2.2, 8 bytes of data; the TCP checksum is to be filled in. */
  private static final String FRAME =
      "02000000000202000000000108004500003000010000400661dc0af401020af402029c4000500000000100000001"
          + "5010200000000000"
          + "6162636465666768";

  private static final int TCP_CHECKSUM_AT = 14 + 20 + 16;

  @TempDir private Path folder;

  private static ByteBuffer frame(int tcpChecksum) {
    byte[] frame = HexFormat.of().parseHex(FRAME);
    return ByteBuffer.wrap(frame).putShort(TCP_CHECKSUM_AT, (short) tcpChecksum);
  }

  private List<String> judge(ByteBuffer frame) throws Exception {
    ByteBuffer file = ByteBuffer.allocate(40 + frame.capacity());
    file.putInt(0xa1b2c3d4).putShort((short) 2).putShort((short) 4).putLong(0);
    file.putInt(65535).putInt(1); // Ethernet
    file.putInt(1).putInt(0).putInt(frame.capacity()).putInt(frame.capacity());
    file.put(frame);
    Path path = folder.resolve("one.pcap");
    Files.write(path, file.array());
    return BadChecksums.in(path);
  }

  @Test
  void rightWrongAndMerged() throws Exception {
    List<String> wrong = judge(frame(0x1234));
    assertEquals(1, wrong.size(), wrong.toString());
    assertTrue(wrong.getFirst().contains("0x1234"), wrong.toString());
    int calculated = Integer.decode(wrong.getFirst().split("\t", -1)[7]);
    assertEquals(List.of(), judge(frame(calculated)));
    int pseudoHeader = 0x0af4 + 0x0102 + 0x0af4 + 0x0202 + 6 + 28;
    assertEquals(List.of(), judge(frame(pseudoHeader)));
    assertEquals(1, judge(frame(pseudoHeader + 1)).size());
  }
}
