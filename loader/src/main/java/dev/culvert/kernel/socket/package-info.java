// SPDX-License-Identifier: Apache-2.0
/**
 * Sockets, not exported. Packets by the batch, for the userspace datapath and for measurements:
 * datagram sockets, TUN devices, and waiting for them; the calls in a packet's path return negated
 * errnos instead of throwing. And single datagrams to a Unix socket.
 */
package dev.culvert.kernel.socket;
