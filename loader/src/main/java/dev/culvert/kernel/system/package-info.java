// SPDX-License-Identifier: Apache-2.0
/**
 * The lowest floor, not exported: system calls by number, who owns a descriptor, and what takes
 * another file's place. Knows nothing of what stands above it.
 */
package dev.culvert.kernel.system;
