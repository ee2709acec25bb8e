// SPDX-License-Identifier: Apache-2.0
/** JMH benchmarks of what the control plane does to the kernel, and of what a packet costs. */
package dev.culvert.bench;
