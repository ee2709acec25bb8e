// SPDX-License-Identifier: Apache-2.0
/**
 * A plugin and how runtimes call it: parameters in the environment, configuration on standard
 * input, result or error on standard output.
 */
package dev.culvert.cni.conformance.plugin;
