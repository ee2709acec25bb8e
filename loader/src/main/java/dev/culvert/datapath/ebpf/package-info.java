// SPDX-License-Identifier: Apache-2.0
/**
 * The datapath of kernels with BPF. {@link dev.culvert.datapath.ebpf.EbpfDatapath} is the way in,
 * {@link dev.culvert.datapath.ebpf.EbpfConfig} what it wants to know; a {@link
 * dev.culvert.datapath.ebpf.DatapathSnapshot} is what a host's maps and pins hold at one moment,
 * with or without a living agent. Everything else stays inside.
 */
package dev.culvert.datapath.ebpf;
