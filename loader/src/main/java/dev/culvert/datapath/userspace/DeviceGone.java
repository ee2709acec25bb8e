// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.kernel.Errno;

/** The TUN device, or a socket, no longer works: somebody deleted it. */
final class DeviceGone extends RuntimeException {
  private static final long serialVersionUID = 1;

  DeviceGone(Errno errno) {
    super("it no longer works: " + errno + " (" + errno.meaning() + ")");
  }
}
