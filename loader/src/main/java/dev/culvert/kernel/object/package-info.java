// SPDX-License-Identifier: Apache-2.0
/**
 * What object files are made of, without a kernel: ELF, BTF, relocations, and layouts of structs to
 * compare with BTF. Not exported: {@code kernel.bpf} says what is in one.
 */
package dev.culvert.kernel.object;
