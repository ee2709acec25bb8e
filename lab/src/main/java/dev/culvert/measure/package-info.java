// SPDX-License-Identifier: Apache-2.0
/**
 * Measuring datapaths against each other, for "lab run compare" and for the benchmarks: traffic
 * between two containers, in turns, and what can honestly be said of the figures.
 *
 * <p>All traffic is between namespaces of the lab. Client and server have a processor each.
 */
package dev.culvert.measure;
