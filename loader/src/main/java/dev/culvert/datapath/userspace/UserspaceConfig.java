// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.InterfaceName;
import java.util.Objects;
import java.util.Optional;

/**
 * What a {@link UserspaceDatapath} needs to know of its host. Immutable; made by a {@link
 * #builder}.
 */
public final class UserspaceConfig {
  private final String instance;
  private final InterfaceName underlay;
  private final Vni vni;
  private final int port;
  private final SourcePorts sourcePorts;
  private final Optional<Masquerade> masquerade;

  private UserspaceConfig(Builder builder) {
    instance = builder.instance;
    underlay = builder.underlay;
    vni = builder.vni;
    port = builder.port;
    sourcePorts = builder.sourcePorts;
    masquerade = builder.masquerade;
  }

  /**
   * Begins with the defaults: VXLAN's own port, dynamic source ports, no masquerade.
   *
   * @param instance its name, by which it knows the interfaces that it made
   * @param underlay name of the underlay interface, which has the VTEP's address
   * @param vni the one network that it carries
   * @return a builder that lacks nothing
   */
  public static Builder builder(String instance, InterfaceName underlay, Vni vni) {
    Objects.requireNonNull(instance, "instance");
    Objects.requireNonNull(underlay, "underlay");
    Objects.requireNonNull(vni, "vni");
    return new Builder(instance, underlay, vni);
  }

  /** {@return the instance's name, by which it knows the interfaces that it made} */
  public String instance() {
    return instance;
  }

  /** {@return the name of the underlay interface, which has the VTEP's address} */
  public InterfaceName underlay() {
    return underlay;
  }

  /** {@return the one network that it carries} */
  public Vni vni() {
    return vni;
  }

  /** {@return the UDP port of the tunnel, alike on all hosts} */
  public int port() {
    return port;
  }

  /** {@return the outer source ports, from which one is chosen for each flow} */
  public SourcePorts sourcePorts() {
    return sourcePorts;
  }

  /** {@return whether what leaves the overlay gets the host's address; empty for no} */
  public Optional<Masquerade> masquerade() {
    return masquerade;
  }

  /** Collects what differs from the defaults. Used by one thread. */
  public static final class Builder {
    private final String instance;
    private final InterfaceName underlay;
    private final Vni vni;
    private int port = Vtep.VXLAN_PORT;
    private SourcePorts sourcePorts = SourcePorts.DYNAMIC;
    private Optional<Masquerade> masquerade = Optional.empty();

    private Builder(String instance, InterfaceName underlay, Vni vni) {
      this.instance = instance;
      this.underlay = underlay;
      this.vni = vni;
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
    public UserspaceConfig build() {
      return new UserspaceConfig(this);
    }
  }
}
