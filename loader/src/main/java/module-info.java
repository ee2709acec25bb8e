// SPDX-License-Identifier: Apache-2.0
/**
 * Loads prebuilt eBPF programs and speaks netlink, on the Foreign Function and Memory API alone.
 */
module dev.culvert.loader {
  exports dev.culvert.kernel;
  exports dev.culvert.datapath;
}
