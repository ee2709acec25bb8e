// SPDX-License-Identifier: Apache-2.0
/**
 * Linux for Java, as far as embedders see it: the kernel as everything here is handed it ({@link
 * dev.culvert.kernel.Libc}), how it refuses ({@link dev.culvert.kernel.KernelException}), how we do
 * ({@link dev.culvert.kernel.RefusedException}), and names and addresses. What asks the kernel for
 * something lies in the packages below, by the interface that it is asked through. Nothing here or
 * there knows of VXLAN, exits the JVM or keeps global state.
 */
package dev.culvert.kernel;
