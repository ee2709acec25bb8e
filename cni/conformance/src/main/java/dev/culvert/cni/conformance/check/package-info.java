// SPDX-License-Identifier: Apache-2.0
/**
 * The checks, a class for each part of the specification. {@link
 * dev.culvert.cni.conformance.check.Checks} names them all; each runs as a {@link
 * dev.culvert.cni.conformance.check.Trial} on the {@link dev.culvert.cni.conformance.check.Stage}.
 */
package dev.culvert.cni.conformance.check;
