// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static dev.culvert.kernel.netlink.FakeNetlink.acknowledgement;
import static dev.culvert.kernel.netlink.FakeNetlink.message;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The conversation, byte for byte as other tools have it with a real kernel. */
final class GenericNetlinkTest {
  private static final GoldenMessages GOLDEN = new GoldenMessages("/netlink-generic.txt");
  private static final String NETDEV = "genl ctrl get name netdev";
  private static final String NOBODY = "genl ctrl get name nosuch";
  private static final int NETDEV_NUMBER = 20;

  // NETDEV_XDP_ACT_BASIC, _REDIRECT and _RX_SG (linux/netdev.h): what a veth can do.
  private static final long VETH = 0x1 | 0x2 | 0x20;

  private final FakeNetlink kernel = new FakeNetlink();
  private final GenericNetlink netlink = GenericNetlink.open(kernel);

  @AfterEach
  void close() {
    netlink.close();
  }

  /** What was asked, with our sequence number and without a port, which is another each time. */
  private static byte[] request(String command, int sequence) {
    byte[] bytes = numbered(GOLDEN.of(command).getFirst(), sequence);
    ByteBuffer.wrap(bytes).putInt(12, 0);
    return bytes;
  }

  private static byte[] reply(String command, int sequence) {
    return numbered(GOLDEN.of(command).getLast(), sequence);
  }

  private static byte[] numbered(byte[] golden, int sequence) {
    byte[] bytes = golden.clone();
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putInt(8, sequence);
    return bytes;
  }

  private void answer(String command, int sequence) {
    kernel.answer(reply(command, sequence));
    kernel.answer(acknowledgement(sequence, 0));
  }

  private KernelException refusal(int interfaceIndex) {
    return assertThrows(KernelException.class, () -> netlink.xdpFeatures(interfaceIndex));
  }

  @Test
  void aFamilyHasTheNumberThatTheKernelGives() {
    answer(NETDEV, 1);
    assertEquals(OptionalInt.of(NETDEV_NUMBER), netlink.family("netdev"));
    byte[] theirs = request(NETDEV, 1);
    theirs[17] = 1; // Version 1: the controller looks at no version.
    assertArrayEquals(theirs, kernel.sent.getFirst());
  }

  @Test
  void aFamilyThatTheKernelDoesNotHaveHasNone() {
    kernel.answer(reply(NOBODY, 1));
    assertEquals(OptionalInt.empty(), netlink.family("nosuch"));
  }

  @Test
  void aKernelBeforeNetdevTellsNoFeatures() {
    kernel.answer(reply(NOBODY, 1));
    assertEquals(OptionalLong.empty(), netlink.xdpFeatures(2));
    assertEquals(1, kernel.sent.size());
  }

  @Test
  void featuresOfAVeth() {
    answer(NETDEV, 1);
    answer("NETDEV-GET 2", 2);
    assertEquals(OptionalLong.of(VETH), netlink.xdpFeatures(2));
    assertArrayEquals(request("NETDEV-GET 2", 2), kernel.sent.getLast());
  }

  @Test
  void anAnswerWithoutFeaturesTellsNone() {
    answer(NETDEV, 1);
    // Only NETDEV_A_DEV_IFINDEX, the first 28 bytes of a veth's.
    byte[] veth = reply("NETDEV-GET 2", 2);
    kernel.answer(message(NETDEV_NUMBER, 0, 2, Arrays.copyOfRange(veth, 16, 28)));
    kernel.answer(acknowledgement(2, 0));
    assertEquals(OptionalLong.empty(), netlink.xdpFeatures(2));
  }

  /** The family's number is that of an rtnetlink message, whose name and hints must not appear. */
  @Test
  void anInterfaceThatIsNotThere() {
    answer(NETDEV, 1);
    kernel.answer(reply("NETDEV-GET 99", 2));
    KernelException refused = refusal(99);
    assertArrayEquals(request("NETDEV-GET 99", 2), kernel.sent.getLast());
    assertEquals(
        "NETDEV_CMD_DEV_GET on interface 99: ENODEV (no such device);"
            + " there is no such interface in this namespace, or no longer (see \"ip link\")",
        refused.getMessage());
  }

  @Test
  void otherRefusalsOfTheControllerAreErrors() {
    kernel.answer(acknowledgement(1, 1));
    assertEquals(
        "CTRL_CMD_GETFAMILY on family netdev: EPERM (operation not permitted);"
            + " run as root, or with CAP_NET_ADMIN",
        refusal(2).getMessage());
    kernel.answer(acknowledgement(2, 13)); // EACCES, at which RTM_NEWADDR would speak of IPv6
    assertTrue(refusal(2).getMessage().endsWith("EACCES (permission denied)"));
  }

  /** A family of 4 bytes, features of 4: neither may be read as a number of another size. */
  @Test
  void numbersOfAnUnexpectedSizeAreRefused() {
    kernel.answer(message(16, 0, 1, new byte[] {1, 2, 0, 0, 8, 0, 1, 0, 20, 0, 0, 0}));
    kernel.answer(acknowledgement(1, 0));
    assertTrue(refusal(2).getMessage().contains("an attribute has 4 bytes, not 2"));
    answer(NETDEV, 2);
    kernel.answer(message(NETDEV_NUMBER, 0, 3, new byte[] {1, 1, 0, 0, 8, 0, 3, 0, 3, 0, 0, 0}));
    kernel.answer(acknowledgement(3, 0));
    assertTrue(refusal(2).getMessage().contains("an attribute has 4 bytes, not 8"));
  }

  @Test
  void anAnswerCutShortIsReadOrRefused() {
    byte[] whole = reply(NETDEV, 1);
    for (int length = 0; length < whole.length - 16; length++) {
      FakeNetlink cutting = new FakeNetlink();
      cutting.answer(message(16, 0, 1, Arrays.copyOfRange(whole, 16, 16 + length)));
      cutting.answer(acknowledgement(1, 0));
      try (GenericNetlink cut = GenericNetlink.open(cutting)) {
        OptionalInt number = cut.family("netdev");
        // Between two attributes nothing looks missing.
        assertEquals(length >= 22 ? NETDEV_NUMBER : 0, number.orElse(0), "cut to " + length);
      } catch (KernelException malformed) {
        assertEquals(Errno.EIO, malformed.errno(), "cut to " + length);
      }
    }
  }

  @Test
  void closingReleasesTheSocketOnce() {
    netlink.close();
    netlink.close();
    assertEquals(1, kernel.closed.size());
    assertThrows(IllegalStateException.class, () -> netlink.family("netdev"));
  }
}
