// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

/**
 * A loaded BPF program, as a netlink message names one.
 *
 * @param fd its descriptor, which stays the caller's
 * @param name what the kernel shows of it where it is attached
 */
public record ProgramReference(int fd, String name) {}
