// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

/**
 * A BPF program on a route.
 *
 * @param fd its descriptor, which stays the caller's
 * @param name what the kernel shows of it
 */
public record RouteProgram(int fd, String name) {}
