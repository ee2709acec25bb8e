// SPDX-License-Identifier: Apache-2.0
/**
 * The packet path of hosts without eBPF: a TUN device, UDP sockets, and two threads between them.
 * {@link dev.culvert.datapath.userspace.Tunnel} owns all of it and hands the threads one immutable
 * {@link dev.culvert.datapath.userspace.ForwardingTable} after the other. {@code Sender} takes
 * packets from the TUN device, cuts superpackets and wraps; {@code Receiver} unwraps, judges, and
 * joins consecutive segments into superpackets again.
 *
 * <p>The only package that needs netty (for pooled buffers), and only {@code Buffers} touches it.
 * Not exported: {@link dev.culvert.datapath.UserspaceDatapath} is the way in.
 */
package dev.culvert.datapath.userspace;
