// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

/** Kinds of collect_md tunnel devices, as ip-link(8) calls them. */
enum TunnelDevice {
  VXLAN("vxlan", 8472),
  GENEVE("geneve", 6081);

  private final String type;
  private final int port;

  TunnelDevice(String type, int port) {
    this.type = type;
    this.port = port;
  }

  /** The port that Cilium takes for it. */
  int port() {
    return port;
  }

  @Override
  public String toString() {
    return type;
  }
}
