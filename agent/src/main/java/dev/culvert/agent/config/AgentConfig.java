// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.control.HostName;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.OverlayConfig;
import dev.culvert.control.Reservations;
import dev.culvert.control.store.SnapshotFile;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.ebpf.MapSizes;
import dev.culvert.kernel.InterfaceName;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The agent's configuration file, checked and with its defaults filled in. What depends on the
 * machine (the underlay's address) is settled when the agent starts.
 *
 * @param networks the overlay's, one for each IP family that it has, IPv4 first
 * @param port UDP port of the tunnel
 * @param udpChecksum6 whether packets over an IPv6 underlay carry an outer UDP checksum
 * @param mapSizes what the programs' maps have room for
 * @param pathMtuLifetime how long a router's word on the size of a path holds
 * @param store where leases are kept
 * @param masquerade whether what leaves the overlay gets the host's address; empty for no
 * @param stateDirectory what outlives a reboot; empty for nothing
 * @param follows what the file leaves to the network in the store
 * @param bpffs where the bpf file system is, or is to be mounted
 */
public record AgentConfig(
    HostName host,
    List<OverlayConfig.Network> networks,
    Vni vni,
    int port,
    UnderlayWish underlay,
    Kind datapath,
    Duration pathMtuLifetime,
    boolean directRouting,
    Decapsulation decapsulation,
    boolean udpChecksum6,
    SourcePorts sourcePorts,
    MapSizes mapSizes,
    StoreConfig store,
    Duration leaseDuration,
    List<InterfaceName> bridges,
    Optional<Masquerade> masquerade,
    Path bpffs,
    Path runDirectory,
    Optional<Path> stateDirectory,
    Stop stop,
    Follows follows) {

  /**
   * @param interfaces what other hosts' packets come in through; the first has the address
   * @param address empty for the first interface's first global address of the first network's
   *     family that it has one of, which is followed when it changes
   * @param within what other addresses than that are not chosen from; empty for any
   */
  public record Underlay(
      List<InterfaceName> interfaces, Optional<InetAddress> address, Optional<IpPrefix> within) {
    public Underlay {
      interfaces = List.copyOf(interfaces);
      if (interfaces.isEmpty()) {
        throw new IllegalArgumentException("An underlay has at least one interface.");
      }
    }

    /** With one interface. */
    public Underlay(InterfaceName interfaceName, Optional<InetAddress> address) {
      this(List.of(interfaceName), address, Optional.empty());
    }

    /** With one interface, and any of its addresses within a prefix. */
    public Underlay(InterfaceName interfaceName, IpPrefix within) {
      this(List.of(interfaceName), Optional.empty(), Optional.of(within));
    }

    /** The first. */
    public InterfaceName interfaceName() {
      return interfaces.getFirst();
    }
  }

  /**
   * What the file leaves out, so that the store's word counts, and the default where it has none.
   */
  public record Follows(boolean port, boolean directRouting) {}

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

  /** What this host keeps over a reboot, if it is to. */
  public Optional<SnapshotFile> memory() {
    return stateDirectory.map(folder -> new SnapshotFile(folder.resolve(host + ".snapshot")));
  }

  /**
   * What this configuration would have all hosts agree on.
   *
   * @param stored what they agree on, which what the file leaves out is taken from
   */
  public NetworkSettings agreed(NetworkSettings stored) {
    return agreed().following(stored, follows.port(), follows.directRouting());
  }

  /** What this configuration would have all hosts agree on, where the store says nothing. */
  public NetworkSettings agreed() {
    return new NetworkSettings(
        vni, networks, new NetworkSettings.Transport(port, directRouting), Reservations.NONE);
  }

  public AgentConfig {
    bridges = List.copyOf(bridges);
  }
}
