// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static dev.culvert.kernel.netlink.FakeNetlink.acknowledgement;
import static dev.culvert.kernel.netlink.FakeNetlink.done;
import static dev.culvert.kernel.netlink.FakeNetlink.link;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The conversation, with a kernel that misbehaves on demand. */
final class NetlinkSocketTest {
  private static final int DUMP_INTR = 0x10;

  private final FakeNetlink kernel = new FakeNetlink();
  private final Netlink netlink = Netlink.open(kernel);

  @AfterEach
  void close() {
    netlink.close();
  }

  private static List<Integer> indexes(List<LinkInfo> links) {
    return links.stream().map(LinkInfo::index).toList();
  }

  private static KernelException refusal(Runnable call) {
    return assertThrows(KernelException.class, call::run);
  }

  @Test
  void aDumpGathersItsParts() {
    kernel.answer(link(1, 0, 1), link(1, 0, 2));
    kernel.answer(link(1, 0, 3));
    kernel.answer(done(1, 0));
    assertEquals(List.of(1, 2, 3), indexes(netlink.links()));
  }

  @Test
  void anInterruptedDumpIsReadAgain() {
    kernel.answer(link(1, 0, 1));
    kernel.answer(link(1, DUMP_INTR, 2), done(1, DUMP_INTR));
    kernel.answer(link(2, 0, 7), done(2, 0));
    assertEquals(List.of(7), indexes(netlink.links()));
    assertEquals(2, kernel.sent.size());
  }

  @Test
  void aDumpThatLostAPartIsReadAgain() {
    kernel.answer(link(1, 0, 1));
    kernel.fail(Errno.ENOBUFS);
    kernel.answer(done(1, 0));
    kernel.answer(link(2, 0, 1), link(2, 0, 2), done(2, 0));
    assertEquals(List.of(1, 2), indexes(netlink.links()));
  }

  @Test
  void aTableThatNeverRestsIsGivenUp() {
    for (int sequence = 1; sequence <= 20; sequence++) {
      kernel.answer(done(sequence, DUMP_INTR));
    }
    KernelException refused = refusal(netlink::links);
    assertEquals(Errno.EAGAIN, refused.errno());
    assertEquals(
        "RTM_GETLINK on interfaces: EAGAIN (try again); it changed during each of 20 readings;"
            + " try again when less happens",
        refused.getMessage());
  }

  @Test
  void aChangeWhoseAnswerIsLostSaysSo() {
    kernel.fail(Errno.ENOBUFS);
    KernelException refused = refusal(() -> netlink.setUp(5, true));
    assertEquals(Errno.ENOBUFS, refused.errno());
    assertTrue(refused.getMessage().contains("whether the change was made is unknown"));
  }

  @Test
  void silenceEndsInATimeout() {
    KernelException refused = refusal(() -> netlink.setUp(5, true));
    assertEquals(
        "RTM_NEWLINK on interface 5: ETIMEDOUT (timed out); the kernel did not answer",
        refused.getMessage());
  }

  @Test
  void interruptsAreNoFaults() {
    kernel.fail(Errno.EINTR);
    kernel.answer(acknowledgement(1, 0));
    netlink.setUp(5, true);
    assertEquals(1, kernel.sent.size());
  }

  @Test
  void withoutPrivilege() {
    kernel.answer(acknowledgement(1, 1));
    KernelException refused = refusal(() -> netlink.setUp(5, true));
    assertEquals(
        "RTM_NEWLINK on interface 5: EPERM (operation not permitted);"
            + " run as root, or with CAP_NET_ADMIN",
        refused.getMessage());
    kernel.sendErrno = 1;
    assertEquals(Errno.EPERM, refusal(() -> netlink.deleteLink(5)).errno());
  }

  @Test
  void theKernelsOwnWordsAreInTheMessage() {
    byte[] golden =
        new GoldenMessages("/netlink-replies.txt").of("link set va mtu 3").getFirst().clone();
    golden[8] = 1; // Our first sequence number in place of iproute2's.
    golden[9] = 0;
    golden[10] = 0;
    golden[11] = 0;
    kernel.answer(golden);
    assertEquals(
        "RTM_NEWLINK on interface 3, MTU 3: EINVAL (invalid argument);"
            + " the kernel says \"mtu less than device minimum\"",
        refusal(() -> netlink.setMtu(3, 3)).getMessage());
  }

  @Test
  void whatIsNotOursIsPassedOver() {
    kernel.answer(acknowledgement(99, 1)); // Late, of another request.
    kernel.script.add(new FakeNetlink.Step(acknowledgement(1, 1), 0, 4711)); // Another process's.
    kernel.answer(acknowledgement(1, 0));
    netlink.setUp(5, true);
    assertTrue(kernel.script.isEmpty());
  }

  @Test
  void aMalformedAnswerDoesNotSpoilTheNext() {
    byte[] broken = link(1, 0, 1);
    broken[0] = 3; // Shorter than its own header.
    kernel.answer(broken);
    kernel.answer(link(1, 0, 2)); // The rest of that dump, then nothing for now.
    kernel.fail(Errno.EAGAIN);
    assertEquals(Errno.EIO, refusal(netlink::links).errno());
    kernel.answer(link(2, 0, 4), done(2, 0));
    assertEquals(List.of(4), indexes(netlink.links()));
  }

  @Test
  void whatIsNotThereIsEmptyOrFalse() {
    InetAddress address = InetAddress.ofLiteral("10.0.0.1");
    kernel.answer(acknowledgement(1, 19)); // ENODEV
    assertTrue(netlink.link(new InterfaceName("nobody")).isEmpty());
    kernel.answer(acknowledgement(2, 101)); // ENETUNREACH
    assertTrue(netlink.routes().to(address).isEmpty());
    kernel.answer(acknowledgement(3, 2)); // ENOENT
    assertFalse(netlink.routes().remove(RouteInfo.to(address, 32, 5).build()));
  }

  @Test
  void aPortThatIsTakenIsOneClearSentence() {
    kernel.answer(acknowledgement(1, 17));
    assertEquals(
        "RTM_NEWLINK on external vxlan culvert0 on UDP port 4789: EEXIST (exists already);"
            + " an interface has that name, or another VXLAN device has that port and VNI"
            + " (see \"ip -d link show type vxlan\")",
        refusal(() ->
                netlink.createExternalVxlan(new InterfaceName("culvert0"), 4789, new byte[0], 0))
            .getMessage());
    kernel.answer(acknowledgement(2, 98));
    assertTrue(
        refusal(() -> netlink.setUp(5, true))
            .getMessage()
            .contains("another interface or socket uses that address and port"));
  }

  @Test
  void closingReleasesBothDescriptorsOnce() {
    netlink.close();
    netlink.close();
    assertEquals(2, kernel.closed.size()); // The socket and its namespace.
    assertThrows(IllegalStateException.class, netlink::links);
  }
}
