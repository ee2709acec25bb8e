// SPDX-License-Identifier: Apache-2.0
/**
 * The end-to-end benchmark: Culvert and its peers in turns on the same topology, with the lab's own
 * namespaces and measurements. {@link dev.culvert.bench.endtoend.Main} is the command, {@link
 * dev.culvert.bench.endtoend.Bench} the run, {@code peer} has the contestants, {@code report} what
 * is written.
 */
package dev.culvert.bench.endtoend;
