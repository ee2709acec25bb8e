// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import java.util.Set;

/**
 * An interface as the kernel has it.
 *
 * @param mac in lower case with colons
 * @param addresses all but the link-local ones of IPv6, which the kernel gives itself
 */
public record Nic(String name, String mac, long mtu, boolean up, Set<Cidr> addresses) {}
