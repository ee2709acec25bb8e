// SPDX-License-Identifier: Apache-2.0
/**
 * Loads prebuilt eBPF programs and speaks netlink, on the Foreign Function and Memory API alone.
 * The userspace datapath, where it is used, needs netty's buffers.
 */
module dev.culvert.loader {
  requires static io.netty.buffer;

  exports dev.culvert.kernel;
  exports dev.culvert.datapath;
}
