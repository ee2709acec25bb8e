// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

/** Where the outer headers of received packets come off. Delivery is at tc in either case. */
public enum Decapsulation {
  /**
   * At XDP where the underlay's driver runs it natively and takes the program, else at tc; decided
   * anew when the interface changes. See {@code DecapsulationChoice}.
   */
  AUTO,
  /**
   * At tc: works with every driver; the kernel merges tunnel packets by {@code culvert0}'s socket.
   */
  TC,
  /**
   * At XDP (kernel 5.18), before the kernel merges packets, so that inner TCP merges natively. Pays
   * where the driver runs XDP natively; on a veth each packet costs a copy.
   */
  XDP
}
