// SPDX-License-Identifier: Apache-2.0
/**
 * The datapath's vocabulary: what the control plane says to a host and hears from it. Values
 * ({@link dev.culvert.datapath.IpPrefix}, {@link dev.culvert.datapath.Vni}, {@link
 * dev.culvert.datapath.Vtep}, ...) are immutable and reject bad input when they are made. {@link
 * dev.culvert.datapath.Datapath} is what the control plane drives; it is called from one thread at
 * a time unless a method says otherwise. What carries the packets is in the packages below, which
 * all build on this one: {@code ebpf} where the kernel does it, {@code userspace} where a process
 * does; {@code trace} looks on.
 */
package dev.culvert.datapath;
