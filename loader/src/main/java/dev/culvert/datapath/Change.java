// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;

/**
 * One step from what the datapath holds to what it should hold. Applying one twice is the same as
 * once.
 */
public sealed interface Change {
  record PutRemote(RemoteSubnet remote) implements Change {}

  record PutLocal(LocalSubnet local) implements Change {}

  record RemoveSubnet(Subnet subnet) implements Change {}

  record PutEndpoint(Endpoint endpoint) implements Change {}

  record RemoveEndpoint(Vni vni, InetAddress address) implements Change {}
}
