// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The agent's configuration file, checked and with its defaults filled in. What depends on the
 * machine (the underlay's address) is settled when the agent starts.
 *
 * @param network the whole overlay prefix
 * @param subnet this very subnet rather than any free one
 * @param port UDP port of the tunnel
 * @param bpffs where the bpf file system is, or is to be mounted
 */
public record AgentConfig(
    String host,
    IpPrefix network,
    int subnetLength,
    Optional<IpPrefix> subnet,
    Vni vni,
    int port,
    Underlay underlay,
    Kind datapath,
    boolean directRouting,
    Decapsulation decapsulation,
    SourcePorts sourcePorts,
    Path storeDirectory,
    Duration leaseDuration,
    List<String> bridges,
    Path bpffs,
    Path runDirectory,
    Stop stop) {

  /**
   * @param address empty for the interface's first global address of the network's family
   */
  public record Underlay(String interfaceName, Optional<InetAddress> address) {}

  /** Outer UDP source ports, both ends included. */
  public record SourcePorts(int min, int max) {}

  /** What carries the packets. */
  public enum Kind {
    /** Programs in the kernel. */
    EBPF,
    /** The agent itself. */
    USERSPACE
  }

  /** What SIGTERM does. */
  public enum Stop {
    /** Packets keep flowing, the lease stays. */
    KEEP,
    /** The lease is given back and everything removed. */
    LEAVE
  }

  public AgentConfig {
    bridges = List.copyOf(bridges);
  }
}
