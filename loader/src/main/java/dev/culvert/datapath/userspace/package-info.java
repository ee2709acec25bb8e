// SPDX-License-Identifier: Apache-2.0
/**
 * The datapath of hosts without eBPF. {@link dev.culvert.datapath.userspace.UserspaceDatapath} is
 * the way in, {@link dev.culvert.datapath.userspace.UserspaceConfig} what it wants to know;
 * everything else stays inside: a TUN device, UDP sockets, and two threads between them. {@code
 * Tunnel} owns all of it and hands the threads one immutable {@code ForwardingTable} after the
 * other. {@code Sender} takes packets from the TUN device, cuts superpackets and wraps; {@code
 * Receiver} unwraps, judges, and joins consecutive segments into superpackets again.
 *
 * <p>The only package that needs netty (for pooled buffers), and only {@code Buffers} touches it.
 */
package dev.culvert.datapath.userspace;
