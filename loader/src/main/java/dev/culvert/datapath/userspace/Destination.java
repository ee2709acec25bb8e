// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

/** Where a subnet is. */
sealed interface Destination permits Destination.Local, Remote {
  /** On this host: the kernel's routes lead to its containers. */
  enum Local implements Destination {
    HERE
  }
}
