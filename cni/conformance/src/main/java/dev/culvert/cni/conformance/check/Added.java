// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Cidr;
import dev.culvert.cni.conformance.plugin.AddResult;
import java.util.List;

/** An attachment whose ADD succeeded. */
record Added(Attachment attachment, AddResult result) {
  List<Cidr> addresses() {
    return result.addressesOf(attachment.ifname());
  }

  /** The container's interface is there, with the addresses of the result. */
  void expectWhole(String when) throws Failed {
    var nic = attachment.nic();
    Expect.that(
        nic.isPresent(),
        when + ", " + attachment.ifname() + " should be in the container, but is not there.");
    Expect.that(
        nic.get().addresses().containsAll(addresses()),
        when
            + ", "
            + attachment.ifname()
            + " should have "
            + addresses()
            + ", but has "
            + nic.get().addresses()
            + ".");
  }
}
