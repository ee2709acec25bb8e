// SPDX-License-Identifier: Apache-2.0
/**
 * Packets by the batch, for the userspace datapath and for measurements; not exported: datagram
 * sockets, TUN devices, and waiting for them. The calls in a packet's path return negated errnos
 * instead of throwing.
 */
package dev.culvert.kernel.socket;
