// SPDX-License-Identifier: Apache-2.0
/**
 * The control plane: leases one subnet to each host and keeps the datapath equal to what the store
 * says.
 */
module dev.culvert.control {
  requires transitive dev.culvert.loader;

  exports dev.culvert.control;
  exports dev.culvert.control.store;
}
