// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import java.net.InetAddress;
import java.nio.file.Path;

/**
 * A wish: give this network namespace an interface in the overlay.
 *
 * @param netns the namespace, such as {@code /run/netns/NAME} or {@code /proc/PID/ns/net}
 * @param interfaceName the container's end, usually {@code eth0}
 * @param gateway the address that the container's default route points to; this host answers for it
 * @param mtuBytes of the container's interface
 */
public record Attachment(
    Vni vni,
    Path netns,
    String interfaceName,
    InetAddress address,
    InetAddress gateway,
    int mtuBytes) {}
