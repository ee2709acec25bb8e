// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.trace;

import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import java.util.Objects;
import java.util.Optional;

/**
 * What the programs of a host do with one packet, and what the tables say of it.
 *
 * @param program that was run
 * @param interfaceIndex on which it was run
 * @param interfaceName the same
 * @param network the VNI that was asked about
 * @param source where the inner source is
 * @param destination where the inner destination is
 * @param before the packet that was given to the program
 * @param verdict what became of it
 * @param headerBytes what the program wrote before the inner IP header; empty when it wrote nothing
 *     there, or dropped the packet
 * @param after the packet as the program left it; empty when it was dropped
 */
@SuppressWarnings("ArrayRecordComponent") // A header is bytes; two explanations are not compared.
public record Explanation(
    String program,
    int interfaceIndex,
    String interfaceName,
    Vni network,
    Whereabouts source,
    Whereabouts destination,
    PacketHeaders before,
    Verdict verdict,
    byte[] headerBytes,
    Optional<PacketHeaders> after) {
  /** Checks that all is there. */
  public Explanation {
    Objects.requireNonNull(program, "program");
    Objects.requireNonNull(interfaceName, "interfaceName");
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(before, "before");
    Objects.requireNonNull(verdict, "verdict");
    Objects.requireNonNull(headerBytes, "headerBytes");
    Objects.requireNonNull(after, "after");
  }
}
