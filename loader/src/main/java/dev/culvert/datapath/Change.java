// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.util.Objects;

/**
 * One step from what the datapath holds to what it should hold. Applying one twice is the same as
 * once.
 */
public sealed interface Change {
  /**
   * Packets to another host's subnet go to its VTEP.
   *
   * @param remote the subnet and the way to it; replaces what there was
   */
  record PutRemote(RemoteSubnet remote) implements Change {
    /** Checks that all is there. */
    public PutRemote {
      Objects.requireNonNull(remote, "remote");
    }
  }

  /**
   * A subnet is this host's own.
   *
   * @param local replaces what there was
   */
  record PutLocal(LocalSubnet local) implements Change {
    /** Checks that all is there. */
    public PutLocal {
      Objects.requireNonNull(local, "local");
    }
  }

  /**
   * A subnet, remote or local, is nobody's any more.
   *
   * @param subnet need not be there
   */
  record RemoveSubnet(Subnet subnet) implements Change {
    /** Checks that all is there. */
    public RemoveSubnet {
      Objects.requireNonNull(subnet, "subnet");
    }
  }

  /**
   * A container is reached through its interface.
   *
   * @param endpoint replaces what there was at its addresses
   */
  record PutEndpoint(Endpoint endpoint) implements Change {
    /** Checks that all is there. */
    public PutEndpoint {
      Objects.requireNonNull(endpoint, "endpoint");
    }
  }

  /**
   * A container is gone.
   *
   * @param vni its network
   * @param address one of its addresses; need not be there
   */
  record RemoveEndpoint(Vni vni, InetAddress address) implements Change {
    /** Checks that all is there. */
    public RemoveEndpoint {
      Objects.requireNonNull(vni, "vni");
      Objects.requireNonNull(address, "address");
    }
  }
}
