// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

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
}
