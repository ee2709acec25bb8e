// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.Tag;

/** Where the agent carries the packets. */
@Tag("netns")
@RequiresRoot
class UserspaceMasqueradeNetnsTest extends MasqueradeTests {
  @Override
  String prefix() {
    return "masq-u";
  }

  @Override
  Datapath start(Host own, Host other) throws Exception {
    return hosts.startUserspace(own, other, PORT);
  }

  @Override
  Datapath again(Host own, Host other) throws Exception {
    return hosts.restartUserspace(own, other, PORT);
  }
}
