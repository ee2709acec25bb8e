// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.lab.datapath;

/** Joins the containers of a topology. */
public interface LabDatapath extends AutoCloseable {
  /** What it is called in tables. */
  String name();

  /** Joins hosts and containers; returns when packets can flow. */
  void up();

  /** The largest packet that a container may send. */
  int containerMtuBytes();

  /** UDP port of the tunnel; 0 when nothing is encapsulated. */
  int tunnelPort();

  /** Stops what runs for it. Namespaces and all inside them are the topology's to remove. */
  @Override
  void close();

  /** Which one, as on the command line. */
  enum Kind {
    EBPF("ebpf"),
    USERSPACE("userspace"),
    KERNEL_VXLAN("kernel-vxlan"),
    ROUTES("routes");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
