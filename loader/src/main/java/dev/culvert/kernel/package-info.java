// SPDX-License-Identifier: Apache-2.0
/**
 * Linux for Java: bpf(2), ELF and BTF, attachments, netlink and namespaces. Knows nothing of VXLAN.
 *
 * <p>Pure: {@code ElfObject}, {@link dev.culvert.kernel.Btf}, {@link
 * dev.culvert.kernel.BpfObjectSpec}, {@link dev.culvert.kernel.StructLayout}, {@code
 * NetlinkMessage}. Kernel objects: {@link dev.culvert.kernel.BpfObject}, {@link
 * dev.culvert.kernel.BpfMap}, {@link dev.culvert.kernel.BpfRingBuffer}, {@link
 * dev.culvert.kernel.BpfProgram}, {@link dev.culvert.kernel.RunStatistics}, {@link
 * dev.culvert.kernel.Link}, {@link dev.culvert.kernel.Netlink}, {@link
 * dev.culvert.kernel.NetNamespace}; each owns a file descriptor and is closed by its holder. Every
 * refusal of the kernel is a {@link dev.culvert.kernel.KernelException}; {@link
 * dev.culvert.kernel.Unsupported} when the kernel is too old. Nothing here exits the JVM or keeps
 * global state.
 */
package dev.culvert.kernel;
