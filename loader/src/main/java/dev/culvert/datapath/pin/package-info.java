// SPDX-License-Identifier: Apache-2.0
/**
 * The folder on a BPF file system that keeps packets flowing without an agent: where each pin lies,
 * and what is written beside them. Not exported.
 */
package dev.culvert.datapath.pin;
