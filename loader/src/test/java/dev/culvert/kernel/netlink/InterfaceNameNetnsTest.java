// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernel is asked what it takes for an interface's name, past our own check. */
@Tag("netns")
@RequiresRoot
final class InterfaceNameNetnsTest {
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_LINKINFO = 18;
  private static final int IFLA_INFO_KIND = 1;

  private TestNamespace test;
  private NetlinkSocket socket;

  @BeforeEach
  void open() throws Exception {
    test = TestNamespace.create();
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), test.name())) {
      socket = namespace.run(() -> NetlinkSocket.open(Libc.system()));
    }
  }

  @AfterEach
  void close() throws Exception {
    socket.close();
    test.close();
  }

  @Test
  void theRuleIsTheKernels() {
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
      assertEquals(kernelTakes(name), InterfaceName.isValid(name), "\"" + name + "\"");
    }
  }

  @Test
  void aTemplateIsNoName() throws Exception {
    assertTrue(kernelTakes("eth%d"));
    assertTrue(test.run("ip", "link", "show").contains(" eth0: "));
  }

  private boolean kernelTakes(String name) {
    try {
      var _ = socket.query(new NetlinkRequest(createBridge(name), "bridge \"" + name + "\""));
      return true;
    } catch (KernelException refused) {
      return false;
    }
  }

  private static NetlinkMessage createBridge(String name) {
    NetlinkMessage message =
        new NetlinkMessage(
            NetlinkRequest.NEWLINK,
            NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL);
    message.u32(0).u32(0).u32(0).u32(0).textZ(IFLA_IFNAME, name);
    return message.nest(IFLA_LINKINFO, () -> message.text(IFLA_INFO_KIND, "bridge"));
  }
}
