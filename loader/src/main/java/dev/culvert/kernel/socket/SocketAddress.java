// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Address and port as struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)), in memory of its own
 * that lives as long as this object.
 */
public final class SocketAddress {
  /** Of sockaddr_in6, the larger one. */
  public static final int MAX_BYTES = 28;

  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;

  private static final int IPV4_BYTES = 16;
  private static final int IPV4_ADDRESS_OFFSET = 4;
  private static final int IPV6_ADDRESS_OFFSET = 8;

  private final ByteBuffer memory;
  private final long pointer;

  /**
   * Writes the struct.
   *
   * @param address of either family
   * @param port in the host's order
   */
  public SocketAddress(InetAddress address, int port) {
    byte[] bytes = address.getAddress();
    boolean ipv4 = bytes.length == 4;
    this.memory = ByteBuffer.allocateDirect(ipv4 ? IPV4_BYTES : MAX_BYTES);
    memory.order(ByteOrder.nativeOrder()).putShort(0, (short) family(address));
    memory.order(ByteOrder.BIG_ENDIAN).putShort(2, (short) port);
    memory.put(ipv4 ? IPV4_ADDRESS_OFFSET : IPV6_ADDRESS_OFFSET, bytes);
    this.pointer = MemorySegment.ofBuffer(memory).address();
  }

  /** The family of sockets that speak with such addresses (socket(2)): AF_INET or AF_INET6. */
  public static int family(InetAddress address) {
    return address.getAddress().length == 4 ? AF_INET : AF_INET6;
  }

  /** For system calls; valid while this object is reachable. */
  public long pointer() {
    return pointer;
  }

  /** Bytes of the struct. */
  public int sizeBytes() {
    return memory.capacity();
  }

  /** Whether a struct sockaddr at an offset holds an IPv4 address. */
  public static boolean isIpv4(ByteBuffer from, int offset) {
    // The family is in the host's order, which is little-endian on all that Culvert runs on.
    return from.get(offset) == AF_INET && from.get(offset + 1) == 0;
  }

  /** Where the address is in a struct sockaddr at an offset. */
  public static int addressOffset(boolean ipv4, int offset) {
    return offset + (ipv4 ? IPV4_ADDRESS_OFFSET : IPV6_ADDRESS_OFFSET);
  }
}
