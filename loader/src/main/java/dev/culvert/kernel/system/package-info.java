// SPDX-License-Identifier: Apache-2.0
/**
 * The lowest floor, not exported: system calls by number, and who owns a descriptor. Knows nothing
 * of what stands above it.
 */
package dev.culvert.kernel.system;
