// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.kernel.netlink.GenericNetlink;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.testing.RequiresRoot;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * {@code decapsulation: auto} follows the underlay interface. A tap device stands for a network
 * card: its driver runs XDP natively, and takes one page.
 */
@RequiresRoot
@Tag("netns")
class AutoDecapsulationNetnsTest {
  private static final int PORT = 4789;
  private static final long BASIC = 1; // NETDEV_XDP_ACT_BASIC of linux/netdev.h

  private TwoHosts hosts;
  private Host one;

  @BeforeEach
  void build() {
    hosts = new TwoHosts("cv-ad");
    one = hosts.host(1);
  }

  @AfterEach
  void tearDown() {
    hosts.close();
  }

  @Test
  void theKernelTellsWhatDriversCan() throws Exception {
    one.run("ip tuntap add mode tap name tap7");
    one.run("ip link add plain0 type bridge");
    in(() -> {
      try (Netlink links = Netlink.open(Libc.system());
          GenericNetlink netlink = GenericNetlink.open(Libc.system())) {
        int tap = links.link(new InterfaceName("tap7")).orElseThrow().index();
        int plain = links.link(new InterfaceName("plain0")).orElseThrow().index();
        assertTrue((netlink.xdpFeatures(tap).orElseThrow() & BASIC) != 0);
        assertEquals(OptionalLong.of(0), netlink.xdpFeatures(plain));
      }
      assertEquals(
          Decapsulation.TC,
          DecapsulationChoice.preview(Libc.system(), new InterfaceName("under0"))
              .orElseThrow()
              .where());
      assertTrue(DecapsulationChoice.preview(Libc.system(), new InterfaceName("none7")).isEmpty());
      return null;
    });
  }

  @Test
  void decidesAnewWhenTheUnderlayChanges() throws Exception {
    hosts.startCulvert(one, hosts.host(2), PORT).close();
    try (EbpfDatapath datapath = hosts.takeOver(one, PORT, Decapsulation.AUTO)) {
      DecapsulationChoice onVeth = datapath.decapsulation().orElseThrow();
      assertEquals(Decapsulation.TC, onVeth.where());
      assertTrue(onVeth.why().contains("is a veth"), onVeth.why());
      assertFalse(underlay().contains("xdp"), underlay());

      // Another interface takes the name.
      one.run("ip link set under0 name old0");
      one.run("ip tuntap add mode tap name under0");
      one.run("ip link set under0 up");
      refresh(datapath);
      assertEquals(Decapsulation.XDP, datapath.decapsulation().orElseThrow().where());
      assertTrue(underlay().contains("xdp"), underlay());

      one.run("ip link delete under0");
      one.run("ip link set old0 name under0");
      refresh(datapath);
      assertEquals(onVeth, datapath.decapsulation().orElseThrow());
      assertFalse(underlay().contains("xdp"), underlay());
    }
  }

  private String underlay() {
    return Commands.run("ip -n " + one.namespace() + " link show under0");
  }

  private void refresh(EbpfDatapath datapath) throws Exception {
    in(() -> {
      datapath.refresh();
      return null;
    });
  }

  private <T> T in(Callable<T> work) throws Exception {
    try (NetNamespace namespace = NetNamespace.named(Libc.system(), one.namespace())) {
      return namespace.call(work);
    }
  }
}
