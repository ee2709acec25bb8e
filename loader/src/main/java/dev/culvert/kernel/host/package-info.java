// SPDX-License-Identifier: Apache-2.0
/**
 * What a host has apart from BPF and the network: namespaces and mounts, settings below /proc/sys,
 * locks, a clock, CPUs. Not exported.
 */
package dev.culvert.kernel.host;
