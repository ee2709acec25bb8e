// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culvert.kernel.socket.NativeSocket;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.ByteOrder;

/**
 * Asks another host's kernel for an echo (ICMP, RFC 792; ICMPv6, RFC 4443) and looks for its answer
 * without sleeping. A raw socket, so it needs root. One thread at a time.
 */
final class EchoSocket implements AutoCloseable {
  private static final byte REQUEST = 8;
  private static final byte REPLY = 0;
  private static final byte REQUEST6 = (byte) 128;
  private static final byte REPLY6 = (byte) 129;

  // Type, code, checksum, identifier, sequence number: 8 bytes; then the payload.
  private static final int CHECKSUM = 2;
  private static final int IDENTIFIER = 4;
  private static final int SEQUENCE = 6;
  private static final int MESSAGE_BYTES = 64;

  /** A raw IPv4 socket gives the IP header too. */
  private static final int IPV4_HEADER_BYTES = 20;

  private static final short OURS = 0x0c47;
  private static final ValueLayout.OfShort SHORT =
      JAVA_SHORT.withByteAlignment(1).withOrder(ByteOrder.BIG_ENDIAN);

  private final TrafficSocket socket;
  private final boolean ipv6;
  private final MemorySegment request;
  private final MemorySegment answer;

  EchoSocket(String server) {
    InetAddress address = TrafficSocket.literal(server);
    ipv6 = address.getAddress().length != 4;
    int protocol = ipv6 ? NativeSocket.IPPROTO_ICMPV6 : NativeSocket.IPPROTO_ICMP;
    socket =
        new TrafficSocket(
            address,
            new NativeSocket.Kind(NativeSocket.RAW, protocol, "raw ICMP to " + server),
            (opened, _) -> opened.connect(address, 0));
    request = socket.arena().allocate(MESSAGE_BYTES, 8);
    answer = socket.arena().allocate(512, 8);
    request.set(JAVA_BYTE, 0, ipv6 ? REQUEST6 : REQUEST);
    request.set(SHORT, IDENTIFIER, OURS);
  }

  /** Sends a request. */
  void ask(short sequence) {
    request.set(SHORT, SEQUENCE, sequence);
    if (!ipv6) { // the kernel fills in ICMPv6's
      int sum = (REQUEST << 8) + OURS + Short.toUnsignedInt(sequence); // the payload is zero
      request.set(SHORT, CHECKSUM, (short) ~((sum & 0xffff) + (sum >>> 16)));
    }
    var _ = socket.send(request);
  }

  /** Looks once whether the answer to that request is there. Other messages are thrown away. */
  boolean answered(short sequence) {
    int bytes = socket.receive(answer, NativeSocket.MSG_DONTWAIT);
    int header = ipv6 ? 0 : IPV4_HEADER_BYTES;
    return bytes == header + MESSAGE_BYTES
        && answer.get(JAVA_BYTE, header) == (ipv6 ? REPLY6 : REPLY)
        && answer.get(SHORT, header + IDENTIFIER) == OURS
        && answer.get(SHORT, header + SEQUENCE) == sequence;
  }

  @Override
  public void close() {
    socket.close();
  }
}
