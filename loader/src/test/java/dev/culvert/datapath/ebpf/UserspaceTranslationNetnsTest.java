// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import org.junit.jupiter.api.Tag;

/** Where the agent carries the packets, and rules of nftables send them past the stack. */
@Tag("netns")
@RequiresRoot
class UserspaceTranslationNetnsTest extends TranslationTests {
  @Override
  String prefix() {
    return "cv-tu";
  }

  @Override
  Datapath start(Host own, Host other) throws Exception {
    return hosts.startUserspace(own, other, PORT);
  }
}
