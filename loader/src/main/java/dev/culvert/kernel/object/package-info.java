// SPDX-License-Identifier: Apache-2.0
/**
 * What an object file says, without a kernel: ELF, BTF, programs with their relocations, and maps
 * ({@link dev.culvert.kernel.object.BpfObjectSpec}). Not exported.
 */
package dev.culvert.kernel.object;
