// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of packets. A {@link dev.culvert.datapath.trace.Tracer} listens to the programs of a
 * host; the {@link dev.culvert.datapath.trace.Explainer} asks them what they would do with a packet
 * that nobody sends. Both need the pinned datapath alone, not its agent, and change nothing.
 */
package dev.culvert.datapath.trace;
