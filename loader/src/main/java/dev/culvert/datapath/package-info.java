// SPDX-License-Identifier: Apache-2.0
/**
 * Culvert's own object and its maps: which packets go where. Values ({@link
 * dev.culvert.datapath.IpPrefix}, {@link dev.culvert.datapath.Vni}, {@link
 * dev.culvert.datapath.Vtep}, ...) reject bad input when they are made. {@link
 * dev.culvert.datapath.Datapath} is what the control plane drives; it is called from one thread at
 * a time unless a method says otherwise.
 */
package dev.culvert.datapath;
