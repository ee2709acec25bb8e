// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The tables of {@link PacketWorld}, as that class draws them, for {@link PacketOracle}. */
final class WorldTables {
  /** Who owns a subnet; vtep is null for our own. */
  @SuppressWarnings("ArrayRecordComponent") // compared by its bytes, never as a record
  record Owner(
      int vni, byte[] prefix, InetAddress vtep, int mtuBytes, boolean direct, boolean reachable) {
    boolean local() {
      return vtep == null;
    }
  }

  private static final InetAddress SECOND = address("10.18.2.2");
  private static final InetAddress SIXTH = address("fd00:18::2");
  private static final Set<InetAddress> SELF = Set.of(address("10.17.2.2"), address("fd00:17::2"));

  /** The container behind the interface that the packets come from. */
  private static final Set<InetAddress> SENDERS =
      Set.of(address("10.244.1.2"), address("fd00:244:1::2"));

  private static final Set<InetAddress> CONTAINERS =
      Set.of(address("10.244.1.3"), address("fd00:244:1::3"));

  private static final InetAddress CONTAINER_OF_3 = address("10.244.2.4");

  private static final List<Owner> OWNERS =
      List.of(
          owner(1, "10.244.1.0", null, 0),
          owner(1, "fd00:244:1::", null, 0),
          owner(1, "10.244.2.0", SECOND, 1450),
          owner(1, "fd00:244:2::", SECOND, 1450),
          new Owner(1, prefix("10.244.3.0"), address("10.17.2.3"), 1500, true, true),
          new Owner(1, prefix("10.244.4.0"), address("10.19.2.2"), 0, false, false),
          owner(1, "10.244.6.0", SIXTH, 1430),
          owner(1, "fd00:244:6::", SIXTH, 1430),
          owner(3, "10.244.1.0", address("10.17.2.2"), 1450));

  /** A /24 or a /64, as bytes. */
  private static byte[] prefix(String text) {
    byte[] whole = address(text).getAddress();
    return Arrays.copyOf(whole, whole.length == 4 ? 3 : 8);
  }

  private static Owner owner(int vni, String prefix, InetAddress vtep, int mtuBytes) {
    return new Owner(vni, prefix(prefix), vtep, mtuBytes, false, true);
  }

  static InetAddress address(String text) {
    return raw(InetAddress.ofLiteral(text).getAddress());
  }

  /** Sixteen bytes stay IPv6, also where Java would make IPv4 of them. */
  static InetAddress raw(byte[] bytes) {
    try {
      return bytes.length == 16
          ? Inet6Address.getByAddress(null, bytes, -1)
          : InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }

  Optional<Owner> owner(int vni, InetAddress address) {
    byte[] bytes = address.getAddress();
    for (Owner owner : OWNERS) {
      int length = owner.prefix().length;
      if (owner.vni() == vni
          && (length == 3) == (bytes.length == 4)
          && Arrays.equals(owner.prefix(), 0, length, bytes, 0, length)) {
        return Optional.of(owner);
      }
    }
    return Optional.empty();
  }

  boolean isContainer(int vni, InetAddress address) {
    return vni == 1 ? CONTAINERS.contains(address) : vni == 3 && address.equals(CONTAINER_OF_3);
  }

  /** An address of this host's subnets, but for the host's own, which is the first. */
  boolean isOwnContainers(int vni, InetAddress address) {
    byte[] bytes = address.getAddress();
    boolean first = bytes[bytes.length - 1] == 1;
    for (int i = bytes.length == 4 ? 3 : 8; i < bytes.length - 1; i++) {
      first &= bytes[i] == 0;
    }
    return !first && owner(vni, address).filter(Owner::local).isPresent();
  }

  boolean isSender(InetAddress address) {
    return SENDERS.contains(address);
  }

  boolean isSelf(InetAddress address) {
    return SELF.contains(address);
  }
}
