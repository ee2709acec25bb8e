// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernel is asked what it takes for an interface's name, past our own check. */
@Tag("netns")
@RequiresRoot
final class InterfaceNameNetnsTest {
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_LINKINFO = 18;
  private static final int IFLA_INFO_KIND = 1;

  private static NetlinkMessage createBridge(String name) {
    NetlinkMessage message =
        new NetlinkMessage(
            NetlinkRequest.NEWLINK,
            NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL);
    message.u32(0).u32(0).u32(0).u32(0).textZ(IFLA_IFNAME, name);
    return message.nest(IFLA_LINKINFO, () -> message.text(IFLA_INFO_KIND, "bridge"));
  }

  private static boolean kernelTakes(NetlinkSocket socket, String name) {
    try {
      var _ = socket.query(new NetlinkRequest(createBridge(name), "bridge \"" + name + "\""));
      return true;
    } catch (KernelException refused) {
      return false;
    }
  }

  @Test
  void theRuleIsTheKernels() throws Exception {
    try (TestNamespace test = TestNamespace.create();
        NetNamespace namespace = NetNamespace.named(Libc.system(), test.name());
        NetlinkSocket socket = namespace.run(() -> NetlinkSocket.open(Libc.system()))) {
      for (String name :
          List.of(
              "eth0",
              "a",
              "...",
              "vlan-100.2_x",
              "fifteen-bytes-1",
              "größe",
              "eth@0",
              ".",
              "..",
              "a/b",
              "a:b",
              "a b",
              "a\tb",
              "a\u000bb",
              "a\u00a0b",
              "voilà",
              "50%",
              "a%db%d",
              "sixteen-bytes-16")) {
        assertEquals(kernelTakes(socket, name), InterfaceName.isValid(name), "\"" + name + "\"");
      }
    }
  }

  @Test
  void aTemplateIsNoName() throws Exception {
    try (TestNamespace test = TestNamespace.create();
        NetNamespace namespace = NetNamespace.named(Libc.system(), test.name());
        NetlinkSocket socket = namespace.run(() -> NetlinkSocket.open(Libc.system()));
        Netlink netlink = Netlink.open(Libc.system(), namespace)) {
      assertTrue(kernelTakes(socket, "eth%d"));
      assertTrue(netlink.link("eth0").isPresent());
    }
  }
}
