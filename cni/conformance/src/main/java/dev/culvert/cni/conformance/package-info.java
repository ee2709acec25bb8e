// SPDX-License-Identifier: Apache-2.0
/**
 * The CNI conformance kit: what the specification asks of a plugin, tried on any plugin's binary.
 */
package dev.culvert.cni.conformance;
