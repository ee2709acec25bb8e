// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import static dev.culvert.datapath.table.Layouts.TRACE_EVENT;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.table.Layouts;
import dev.culvert.datapath.table.ProgramNames;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * What became of one packet.
 *
 * @param timeNs CLOCK_MONOTONIC
 * @param verdict what became of the packet
 * @param program that gave the verdict, such as {@code from_container}
 * @param interfaceIndex the interface that the program is on
 * @param lengthBytes of the whole packet, Ethernet header included, when the program ended: outer
 *     headers count where the packet still or already has them
 * @param vni empty where the program did not get so far
 * @param outerSource where {@code from_tunnel}'s packet came from; elsewhere outer headers are
 *     among the headers
 * @param headers as they were when the program ended
 */
public record TraceEvent(
    long timeNs,
    Verdict verdict,
    String program,
    int interfaceIndex,
    int lengthBytes,
    Optional<Vni> vni,
    Optional<InetAddress> outerSource,
    PacketHeaders headers) {
  /** Checks that all is there. */
  public TraceEvent {
    Objects.requireNonNull(verdict, "verdict");
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(vni, "vni");
    Objects.requireNonNull(outerSource, "outerSource");
    Objects.requireNonNull(headers, "headers");
  }

  /**
   * Reads struct trace_event.
   *
   * @param tunnelPort see {@link PacketHeaders#of}
   */
  @SuppressWarnings("EnumOrdinal") // The place is the number: enum verdict in C has the same order.
  static TraceEvent of(MemorySegment event, int tunnelPort) {
    byte[] packet = Layouts.getBytes(event, TRACE_EVENT, "packet");
    byte[] outerSource = Layouts.getBytes(event, TRACE_EVENT, "outer_source");
    int captured = Layouts.getInt(event, TRACE_EVENT, "captured_bytes");
    PacketHeaders headers = PacketHeaders.of(Arrays.copyOf(packet, captured), tunnelPort);
    int vni = Layouts.getInt(event, TRACE_EVENT, "vni");
    return new TraceEvent(
        TRACE_EVENT.field("time_ns").get(event, 0),
        Verdict.values()[Layouts.getInt(event, TRACE_EVENT, "verdict")],
        ProgramNames.BY_NUMBER.get(Layouts.getInt(event, TRACE_EVENT, "program")),
        Layouts.getInt(event, TRACE_EVENT, "ifindex"),
        Layouts.getInt(event, TRACE_EVENT, "length_bytes"),
        vni(vni != 0 ? vni : headers.tunnel().map(PacketHeaders.Tunnel::vni).orElse(0)),
        isZero(outerSource) ? Optional.empty() : Optional.of(IpFamily.address(outerSource)),
        headers);
  }

  /** What a packet says of itself may be no VNI. */
  private static Optional<Vni> vni(int number) {
    return number >= 1 && number <= Vni.MAX ? Optional.of(new Vni(number)) : Optional.empty();
  }

  private static boolean isZero(byte[] bytes) {
    return Arrays.equals(bytes, new byte[bytes.length]);
  }
}
