// SPDX-License-Identifier: Apache-2.0
/**
 * What container runtimes ask by the Container Network Interface, versions 0.3.0 to 1.1.0 of its
 * specification: the small program {@code culvert-cni} hands each call over, with its environment
 * and its configuration, and prints what {@link dev.culvert.agent.cni.Plugin} answers.
 *
 * <p>A container is known by its identifier and the name of its interface. The identifier is the
 * label of its endpoint, so it is kept in the kernel; the network that it was asked for in is kept
 * as the name of a file, {@link dev.culvert.agent.cni.Attachments}.
 */
package dev.culvert.agent.cni;
