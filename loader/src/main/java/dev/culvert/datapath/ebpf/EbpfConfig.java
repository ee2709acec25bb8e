// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What an {@link EbpfDatapath} needs to know of its host. Immutable; made by a {@link #builder}.
 */
public final class EbpfConfig {
  /** How long Linux itself believes a router's word (net.ipv4.route.mtu_expires). */
  public static final Duration PATH_MTU_LIFETIME = Duration.ofMinutes(10);

  private final Path pins;
  private final InterfaceName underlay;
  private final List<InterfaceName> moreUnderlays;
  private final int port;
  private final boolean followsPins;
  private final SourcePorts sourcePorts;
  private final Decapsulation decapsulation;
  private final Duration pathMtuLifetime;
  private final boolean udpChecksum6;
  private final MapSizes mapSizes;
  private final Optional<Masquerade> masquerade;

  private EbpfConfig(Builder builder) {
    pins = builder.pins;
    underlay = builder.underlay;
    moreUnderlays = builder.moreUnderlays;
    port = builder.port;
    followsPins = builder.followsPins;
    sourcePorts = builder.sourcePorts;
    decapsulation = builder.decapsulation;
    pathMtuLifetime = builder.pathMtuLifetime;
    udpChecksum6 = builder.udpChecksum6;
    mapSizes = builder.mapSizes;
    masquerade = builder.masquerade;
  }

  /**
   * Begins with the defaults: VXLAN's own port, dynamic source ports, decapsulation at tc, Linux's
   * lifetime of path MTUs, no outer checksums over IPv6, no masquerade.
   *
   * @param pins the folder for this instance's pins, such as {@code /sys/fs/bpf/culvert/host-01};
   *     its name is the instance's
   * @param underlay name of the underlay interface, which has the VTEP's address
   * @return a builder that lacks nothing
   */
  public static Builder builder(Path pins, InterfaceName underlay) {
    Objects.requireNonNull(pins, "pins");
    Objects.requireNonNull(underlay, "underlay");
    return new Builder(pins, underlay);
  }

  /** {@return the folder for this instance's pins, on a BPF file system; need not exist yet} */
  public Path pins() {
    return pins;
  }

  /** {@return the name of the underlay interface, which has the VTEP's address} */
  public InterfaceName underlay() {
    return underlay;
  }

  /** {@return names of further interfaces that other hosts' packets may come in through} */
  public List<InterfaceName> moreUnderlays() {
    return moreUnderlays;
  }

  /** {@return the UDP port of the tunnel, alike on all hosts} */
  public int port() {
    return port;
  }

  /** {@return whether the port that pins have counts for more than {@link #port}} */
  public boolean followsPins() {
    return followsPins;
  }

  /** {@return the outer source ports, from which one is chosen for each flow} */
  public SourcePorts sourcePorts() {
    return sourcePorts;
  }

  /** {@return where outer headers come off, as it was asked for: it may be {@code AUTO}} */
  public Decapsulation decapsulation() {
    return decapsulation;
  }

  /** {@return how long a router's word on the size of a path holds} */
  public Duration pathMtuLifetime() {
    return pathMtuLifetime;
  }

  /** {@return whether packets over an IPv6 underlay carry an outer UDP checksum (RFC 6935)} */
  public boolean udpChecksum6() {
    return udpChecksum6;
  }

  /** {@return how much the maps have room for, where they are made anew} */
  public MapSizes mapSizes() {
    return mapSizes;
  }

  /** {@return whether what leaves the overlay gets the host's address; empty for no} */
  public Optional<Masquerade> masquerade() {
    return masquerade;
  }

  /** Collects what differs from the defaults. Used by one thread. */
  public static final class Builder {
    private final Path pins;
    private final InterfaceName underlay;
    private List<InterfaceName> moreUnderlays = List.of();
    private int port = Vtep.VXLAN_PORT;
    private boolean followsPins;
    private SourcePorts sourcePorts = SourcePorts.DYNAMIC;
    private Decapsulation decapsulation = Decapsulation.TC;
    private Duration pathMtuLifetime = PATH_MTU_LIFETIME;
    private boolean udpChecksum6;
    private MapSizes mapSizes = MapSizes.DEFAULT;
    private Optional<Masquerade> masquerade = Optional.empty();

    private Builder(Path pins, InterfaceName underlay) {
      this.pins = pins;
      this.underlay = underlay;
    }

    /**
     * Further interfaces that other hosts' packets may come in through. Those that routes to other
     * hosts lead through need no mention.
     *
     * @param names of the interfaces; copied; none unless it is set
     * @return this
     */
    public Builder moreUnderlays(List<InterfaceName> names) {
      Objects.requireNonNull(names, "names");
      moreUnderlays = List.copyOf(names);
      return this;
    }

    /**
     * The tunnel's UDP port.
     *
     * @param number the same on all hosts; {@link Vtep#VXLAN_PORT} unless it is set
     * @return this
     * @throws IllegalArgumentException outside 1-65535
     */
    public Builder port(int number) {
      port = Vtep.requirePort(number);
      return this;
    }

    /**
     * Whether the port is what the pins have, where there are pins: nobody asked for another, and
     * the network may have been changed while it ran.
     *
     * @param follow false unless it is set
     * @return this
     */
    public Builder followsPins(boolean follow) {
      followsPins = follow;
      return this;
    }

    /**
     * Outer source ports.
     *
     * @param range {@link SourcePorts#DYNAMIC} unless it is set
     * @return this
     */
    public Builder sourcePorts(SourcePorts range) {
      Objects.requireNonNull(range, "range");
      sourcePorts = range;
      return this;
    }

    /**
     * Where outer headers come off.
     *
     * @param where {@link Decapsulation#TC} unless it is set
     * @return this
     */
    public Builder decapsulation(Decapsulation where) {
      Objects.requireNonNull(where, "where");
      decapsulation = where;
      return this;
    }

    /**
     * How long a router's word on the size of a path holds.
     *
     * @param lifetime a second or more; {@link #PATH_MTU_LIFETIME} unless it is set
     * @return this
     * @throws IllegalArgumentException for less than a second
     */
    public Builder pathMtuLifetime(Duration lifetime) {
      Objects.requireNonNull(lifetime, "lifetime");
      if (lifetime.compareTo(Duration.ofSeconds(1)) < 0) {
        throw new IllegalArgumentException(
            "A path MTU that holds for " + lifetime + " is of no use: give a second or more.");
      }
      pathMtuLifetime = lifetime;
      return this;
    }

    /**
     * Whether packets over an IPv6 underlay carry an outer UDP checksum; each of them then takes
     * the slow path.
     *
     * @param compute false unless it is set: RFC 6935 lets tunnels go without
     * @return this
     */
    public Builder udpChecksum6(boolean compute) {
      udpChecksum6 = compute;
      return this;
    }

    /**
     * How much the maps have room for; see {@link MapSizes} for what becomes of pinned maps.
     *
     * @param sizes {@link MapSizes#DEFAULT} unless it is set
     * @return this
     */
    public Builder mapSizes(MapSizes sizes) {
      Objects.requireNonNull(sizes, "sizes");
      mapSizes = sizes;
      return this;
    }

    /**
     * Has what containers send to the outside leave with the host's address, by nf_tables.
     *
     * @param wish with its exceptions; none of it unless it is set
     * @return this
     */
    public Builder masquerade(Masquerade wish) {
      Objects.requireNonNull(wish, "wish");
      masquerade = Optional.of(wish);
      return this;
    }

    /** {@return the configuration as it was collected; the builder may go on} */
    public EbpfConfig build() {
      return new EbpfConfig(this);
    }
  }
}
