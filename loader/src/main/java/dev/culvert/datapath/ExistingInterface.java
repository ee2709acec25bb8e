// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.nio.file.Path;

/**
 * A wish: let a container into the overlay by the veth pair that somebody else made for it.
 *
 * @param netns the container's namespace, such as {@code /proc/PID/ns/net}
 * @param interfaceName the container's end of the pair, usually {@code eth0}
 * @param subnet this host's own, which the interface has an address in
 */
public record ExistingInterface(Path netns, String interfaceName, Subnet subnet) {}
