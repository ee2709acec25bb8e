// SPDX-License-Identifier: Apache-2.0
/**
 * eBPF programs of one's own: what an object file has ({@link
 * dev.culvert.kernel.bpf.BpfObjectSpec}), and what bpf(2) makes of it: objects, maps, programs and
 * links, each of which owns a file descriptor and is closed by its holder. Every refusal of the
 * kernel is a {@link dev.culvert.kernel.KernelException}; {@link
 * dev.culvert.kernel.bpf.Unsupported} when the kernel is too old.
 */
package dev.culvert.kernel.bpf;
