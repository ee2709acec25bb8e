// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.Tag;

/** Where programs carry the packets. */
@Tag("netns")
@RequiresRoot
class MasqueradeNetnsTest extends MasqueradeTests {
  @Override
  String prefix() {
    return "masq-e";
  }

  @Override
  Datapath start(Host own, Host other) throws Exception {
    return hosts.startCulvert(own, other, PORT);
  }

  @Override
  Datapath again(Host own, Host other) throws Exception {
    return hosts.takeOver(own, PORT, Decapsulation.TC);
  }
}
