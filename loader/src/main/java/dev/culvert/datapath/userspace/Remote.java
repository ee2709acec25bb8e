// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.kernel.socket.SocketAddress;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The way to another host's subnet, ready for the threads: where datagrams go, and what precedes
 * each inner packet in them (RFC 7348 section 5):
 *
 * <pre>
 *   0 VXLAN: flags 0x08, VNI   8 inner Ethernet: VTEP to VTEP, type   22 inner IP
 * </pre>
 */
final class Remote implements Destination {
  /** VXLAN and inner Ethernet header. */
  static final int PROLOGUE_BYTES = 22;

  private static final int VNI_PRESENT = 0x08;
  private static final int ETHERTYPE_OFFSET = 20;
  private static final int MAC_BYTES = 6;

  private final SocketAddress to;
  private final InetAddress address;
  private final long high;
  private final long low;
  private final byte[] prologue = new byte[PROLOGUE_BYTES];
  private final boolean reachable;
  private final int innerMtuBytes;

  Remote(RemoteSubnet subnet) {
    address = subnet.remote().address();
    to = new SocketAddress(address, subnet.remote().port());
    high = Addresses.high(address);
    low = Addresses.low(address);
    ByteBuffer out = ByteBuffer.wrap(prologue);
    out.putInt(VNI_PRESENT << 24).putInt(subnet.wireVni().value() << 8);
    out.put(subnet.remote().mac().toBytes(), 0, MAC_BYTES).put(subnet.local().mac().toBytes());
    Optional<NextHop> way = subnet.nextHop();
    reachable = way.isPresent();
    innerMtuBytes = way.map(NextHop::mtuBytes).orElse(0) - IpFamily.of(address).overheadBytes();
  }

  SocketAddress to() {
    return to;
  }

  InetAddress address() {
    return address;
  }

  boolean isReachable() {
    return reachable;
  }

  /** The largest inner packet that the way takes. */
  int innerMtuBytes() {
    return innerMtuBytes;
  }

  /** Whether datagrams from an underlay address come from this VTEP. */
  boolean isVtep(long sourceHigh, long sourceLow) {
    return low == sourceLow && high == sourceHigh;
  }

  /** Writes the prologue of a packet. */
  void writePrologue(ByteBuffer out, int at, IpFamily inner) {
    out.put(at, prologue);
    out.putShort(at + ETHERTYPE_OFFSET, (short) inner.etherType());
  }
}
