// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes of packets, as the wire has them: the outer headers of a tunnel packet ready to be copied
 * ({@link dev.culvert.datapath.packet.HeaderTemplate}), addresses, checksums. Pure; not exported.
 */
package dev.culvert.datapath.packet;
