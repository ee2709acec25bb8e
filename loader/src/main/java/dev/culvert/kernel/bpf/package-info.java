// SPDX-License-Identifier: Apache-2.0
/**
 * bpf(2) and what it makes: objects, maps, programs and links, each of which owns a file descriptor
 * and is closed by its holder. {@link dev.culvert.kernel.bpf.Unsupported} when the kernel is too
 * old. Not exported.
 */
package dev.culvert.kernel.bpf;
