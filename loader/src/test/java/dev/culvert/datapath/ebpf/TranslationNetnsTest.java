// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where programs carry the packets. */
@Tag("netns")
@RequiresRoot
class TranslationNetnsTest extends TranslationTests {
  @Override
  String prefix() {
    return "cv-tr";
  }

  @Override
  Datapath start(Host own, Host other) throws Exception {
    return hosts.startCulvert(own, other, PORT);
  }

  @Test
  void alsoWhereXdpDecapsulates() throws Exception {
    hosts.takeOver(one, PORT, Decapsulation.XDP).close();
    try {
      assertEquals("10.244.1.2 10.244.1.2", ask(one.container(), "10.96.0.1", 80));
      assertEquals("10.244.1.2 10.244.1.2", ask(one.container(), "10.244.2.2", 8080));
    } finally {
      hosts.takeOver(one, PORT, Decapsulation.TC).close();
    }
  }

  /** Masqueraded it would be the host's own; so it must not be taken for that unmasqueraded. */
  @ParameterizedTest
  @CsvSource({
    "10.244.2.2, 10.244.1.1",
    "10.244.2.2, 10.244.1.2",
    "10.244.2.2, 10.244.2.1",
    "fd00:244:2::2, fd00:244:1::1",
    "fd00:244:2::2, fd00:244:1::2",
    "fd00:244:2::2, fd00:244:2::1",
  })
  void nobodyElseMayHaveTheHostsAddress(String to, String source) throws Exception {
    assertEquals("sent", say(foreign, "forge", to, source));
    // An honest datagram after it, so that the forged one had time to arrive.
    assertTrue(say(foreign, "tell", to).endsWith(" honest"));
    assertEquals("honest", remoteServer.read());
  }
}
