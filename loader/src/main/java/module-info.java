// SPDX-License-Identifier: Apache-2.0
/**
 * Loads prebuilt eBPF programs and speaks netlink, on the Foreign Function and Memory API alone.
 * The userspace datapath, where it is used, needs netty's buffers.
 */
module dev.culvert.loader {
  requires dev.culvert.bpf;
  requires static io.netty.buffer;

  exports dev.culvert.kernel;
  exports dev.culvert.kernel.bpf;
  exports dev.culvert.datapath;
  exports dev.culvert.datapath.ebpf;
  exports dev.culvert.datapath.trace;
  exports dev.culvert.datapath.userspace;
}
