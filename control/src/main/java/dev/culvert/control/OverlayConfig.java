// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * What a host must know to join an overlay. Immutable; made by a {@link #builder}:
 *
 * <pre>{@code
 * OverlayConfig.builder(new HostName("host-01"), IpPrefix.parseAddress("10.17.2.2"))
 *     .network(IpPrefix.parse("10.244.0.0/16"))
 *     .build();
 * }</pre>
 *
 * <p>The tunnel's UDP port is the datapath's: {@link Datapath#port()}.
 */
public final class OverlayConfig {
  /** Shorter leases would end in an ordinary hiccup of the store. */
  public static final Duration MIN_LEASE_DURATION = Duration.ofSeconds(10);

  /** So that an end of a lease is always a date that can be written. */
  public static final Duration MAX_LEASE_DURATION = Duration.ofDays(3650);

  /** What a lease lasts where nobody says otherwise. */
  public static final Duration DEFAULT_LEASE_DURATION = Duration.ofHours(24);

  /**
   * "This network", loopback, link-local, multicast and reserved (RFC 6890); in IPv6 what is
   * unspecified, loopback or IPv4 (RFC 4291 section 2.5), link-local and multicast.
   */
  private static final List<IpPrefix> UNUSABLE =
      Stream.of(
              "0.0.0.0/8",
              "127.0.0.0/8",
              "169.254.0.0/16",
              "224.0.0.0/3",
              "::/8",
              "fe80::/10",
              "ff00::/8")
          .map(IpPrefix::parse)
          .toList();

  private final HostName host;
  private final Vni vni;
  private final List<Network> networks;
  private final InetAddress underlayAddress;
  private final boolean directRouting;
  private final boolean followsDirectRouting;
  private final OptionalInt port;
  private final boolean followsPort;
  private final Duration leaseDuration;
  private final boolean takeOver;
  private final Timeouts timeouts;
  private final Optional<LeaseMemory> memory;

  /**
   * The overlay's network of one IP family.
   *
   * @param prefix the whole network, such as 10.244.0.0/16
   * @param subnetLength length of each host's subnet, such as 24; alike on all hosts
   * @param subnet this very subnet rather than any free one
   */
  public record Network(IpPrefix prefix, int subnetLength, Optional<IpPrefix> subnet) {
    private static final int USUAL_LENGTH_IPV4 = 24;
    private static final int USUAL_LENGTH_IPV6 = 64;

    /** The network's own address, the gateway, and at least one container. */
    private static final int LEAST_HOST_BITS = 2;

    /**
     * Checks that the three fit together.
     *
     * @throws RefusedException for what cannot work, with a sentence that says which and why
     */
    public Network {
      Objects.requireNonNull(prefix, "prefix");
      Objects.requireNonNull(subnet, "subnet");
      checkUsable(prefix);
      checkSubnetLength(prefix, subnetLength);
      subnet.ifPresent(wanted -> checkSubnet(prefix, subnetLength, wanted));
    }

    /**
     * Any free subnet of the usual length: /24 in IPv4, /64 in IPv6, the network's own where that
     * is longer.
     *
     * @param prefix the whole network, such as 10.244.0.0/16
     * @return a network that asks for no particular subnet
     * @throws RefusedException when the network has no room for containers
     */
    public static Network of(IpPrefix prefix) {
      Objects.requireNonNull(prefix, "prefix");
      int usual = prefix.family() == IpFamily.IPV4 ? USUAL_LENGTH_IPV4 : USUAL_LENGTH_IPV6;
      int longest = Math.max(prefix.length(), longestSubnet(prefix));
      return new Network(prefix, Math.clamp(usual, prefix.length(), longest), Optional.empty());
    }

    /**
     * {@return the length in bits of the smallest subnets that a network can be cut into: 30 or
     * 126}
     *
     * @param network whose family counts, and nothing else
     */
    public static int longestSubnet(IpPrefix network) {
      Objects.requireNonNull(network, "network");
      return network.family().addressBits() - LEAST_HOST_BITS;
    }

    /**
     * The same, cut into subnets of another length.
     *
     * @param length in bits, alike on all hosts
     * @return another network; this one is left as it is
     * @throws RefusedException when that does not fit the network, or the subnet that is asked for
     */
    public Network withSubnetLength(int length) {
      return new Network(prefix, length, subnet);
    }

    /**
     * The same, asking for this very subnet and for its length.
     *
     * @param wanted within the network
     * @return another network; this one is left as it is
     * @throws RefusedException when it is outside the network
     */
    public Network withSubnet(IpPrefix wanted) {
      Objects.requireNonNull(wanted, "wanted");
      return new Network(prefix, wanted.length(), Optional.of(wanted));
    }
  }

  /** Collects what a host must know. Used by one thread. */
  public static final class Builder {
    private final HostName host;
    private final InetAddress underlayAddress;
    private final List<Network> networks = new ArrayList<>();
    private Vni vni = new Vni(1);
    private boolean directRouting = true;
    private boolean followsDirectRouting;
    private OptionalInt port = OptionalInt.empty();
    private boolean followsPort;
    private Duration leaseDuration = DEFAULT_LEASE_DURATION;
    private boolean takeOver;
    private Timeouts timeouts = Timeouts.DEFAULT;
    private Optional<LeaseMemory> memory = Optional.empty();

    private Builder(HostName host, InetAddress underlayAddress) {
      this.host = Objects.requireNonNull(host, "host");
      this.underlayAddress = Objects.requireNonNull(underlayAddress, "underlayAddress");
    }

    /**
     * The network identifier.
     *
     * @param value alike on all hosts; 1 unless it is set
     * @return this
     */
    public Builder vni(Vni value) {
      vni = Objects.requireNonNull(value, "vni");
      return this;
    }

    /**
     * A network, with any free subnet of the usual length; called again for the other IP family.
     *
     * @param prefix the whole network, such as 10.244.0.0/16
     * @return this
     * @throws RefusedException when it has no room for containers
     */
    public Builder network(IpPrefix prefix) {
      Objects.requireNonNull(prefix, "prefix");
      return network(Network.of(prefix));
    }

    /**
     * A network; called again for the other IP family. At least one is needed.
     *
     * @param network alike on all hosts but for the subnet that it asks for
     * @return this
     */
    public Builder network(Network network) {
      networks.add(Objects.requireNonNull(network, "network"));
      return this;
    }

    /**
     * Whether hosts on the same link exchange packets as they are, without encapsulation.
     *
     * @param value true unless it is set
     * @return this
     */
    public Builder directRouting(boolean value) {
      directRouting = value;
      return this;
    }

    /**
     * Whether {@link #directRouting} is what the first host of a network writes, and no more: where
     * the store says otherwise, this host does as it says. Without it such a start is refused.
     *
     * @param value false unless it is set
     * @return this
     */
    public Builder followDirectRouting(boolean value) {
      followsDirectRouting = value;
      return this;
    }

    /**
     * The tunnel's port that hosts must agree on.
     *
     * @param value 1 to 65535; {@link Datapath#port} unless it is set
     * @return this
     */
    public Builder port(int value) {
      port = OptionalInt.of(Vtep.requirePort(value));
      return this;
    }

    /**
     * Whether the port is what the first host of a network writes, and no more; see {@link
     * #followDirectRouting}.
     *
     * @param value false unless it is set
     * @return this
     */
    public Builder followPort(boolean value) {
      followsPort = value;
      return this;
    }

    /**
     * How long a lease lasts without renewal; renewed at half of it. Other hosts' leases count for
     * half of it longer than they say.
     *
     * @param value {@link #MIN_LEASE_DURATION} to {@link #MAX_LEASE_DURATION}; {@link
     *     #DEFAULT_LEASE_DURATION} unless it is set
     * @return this
     */
    public Builder leaseDuration(Duration value) {
      leaseDuration = Objects.requireNonNull(value, "leaseDuration");
      return this;
    }

    /**
     * Whether this machine takes the place of another that lives under the same name: the other
     * loses its leases, and says so. Without it, which is usual, such a start is refused.
     *
     * @param value false unless it is set
     * @return this
     */
    public Builder takeOver(boolean value) {
      takeOver = value;
      return this;
    }

    /**
     * How long calls wait at most.
     *
     * @param value {@link Timeouts#DEFAULT} unless it is set
     * @return this
     */
    public Builder timeouts(Timeouts value) {
      timeouts = Objects.requireNonNull(value, "timeouts");
      return this;
    }

    /**
     * What is kept over a reboot, so that this host starts while the store is away.
     *
     * @param value of this host alone; nothing is kept unless it is set
     * @return this
     */
    public Builder memory(LeaseMemory value) {
      memory = Optional.of(Objects.requireNonNull(value, "value"));
      return this;
    }

    /**
     * Checks all of it.
     *
     * @return a configuration of its own: the builder may go on to make others
     * @throws RefusedException for what cannot work, with a sentence that says which and why
     */
    public OverlayConfig build() {
      return new OverlayConfig(this);
    }
  }

  private OverlayConfig(Builder builder) {
    this.host = builder.host;
    this.vni = builder.vni;
    this.networks =
        builder.networks.stream()
            .sorted(Comparator.comparing(network -> network.prefix().family()))
            .toList();
    this.underlayAddress = builder.underlayAddress;
    this.directRouting = builder.directRouting;
    this.followsDirectRouting = builder.followsDirectRouting;
    this.port = builder.port;
    this.followsPort = builder.followsPort;
    this.leaseDuration = builder.leaseDuration;
    this.takeOver = builder.takeOver;
    this.timeouts = builder.timeouts;
    this.memory = builder.memory;
    checkFamilies(networks);
    for (Network network : networks) {
      checkUnderlay(network.prefix(), underlayAddress);
    }
    checkLeaseDuration(leaseDuration);
  }

  /**
   * Begins a configuration by what every one needs.
   *
   * @param host this host's name, unique in the network
   * @param underlayAddress this host's VTEP address
   * @return a builder that lacks a network
   */
  public static Builder builder(HostName host, InetAddress underlayAddress) {
    return new Builder(host, underlayAddress);
  }

  /** {@return this host's name, unique in the network} */
  public HostName host() {
    return host;
  }

  /** {@return the network identifier, alike on all hosts} */
  public Vni vni() {
    return vni;
  }

  /** {@return one network for each IP family that the overlay has, IPv4 first; unmodifiable} */
  public List<Network> networks() {
    return networks;
  }

  /** {@return this host's VTEP address when it starts; {@link Overlay#moveTo} changes it later} */
  public InetAddress underlayAddress() {
    return underlayAddress;
  }

  /** {@return whether hosts on the same link exchange packets without encapsulation} */
  public boolean directRouting() {
    return directRouting;
  }

  /** {@return whether the store's word counts for more than {@link #directRouting}} */
  public boolean followsDirectRouting() {
    return followsDirectRouting;
  }

  /** {@return the port that hosts must agree on; empty for the datapath's} */
  public OptionalInt port() {
    return port;
  }

  /** What this host would have others agree on, with a datapath that has that port. */
  int portOr(int datapathPort) {
    return followsPort ? datapathPort : port.orElse(datapathPort);
  }

  /** {@return whether the store's word counts for more than {@link #port}} */
  public boolean followsPort() {
    return followsPort;
  }

  /** {@return how long a lease lasts without renewal} */
  public Duration leaseDuration() {
    return leaseDuration;
  }

  /** {@return whether this machine takes the place of another that lives under its name} */
  public boolean takeOver() {
    return takeOver;
  }

  /** {@return how long the overlay's calls wait at most} */
  public Timeouts timeouts() {
    return timeouts;
  }

  /** {@return what is kept over a reboot, if something is} */
  public Optional<LeaseMemory> memory() {
    return memory;
  }

  /**
   * {@return the same, taking the place of another machine of this name, or not}
   *
   * @param value as for {@link Builder#takeOver}
   */
  public OverlayConfig withTakeOver(boolean value) {
    Builder builder =
        builder(host, underlayAddress)
            .vni(vni)
            .directRouting(directRouting)
            .followDirectRouting(followsDirectRouting)
            .followPort(followsPort)
            .leaseDuration(leaseDuration)
            .timeouts(timeouts)
            .takeOver(value);
    networks.forEach(builder::network);
    port.ifPresent(builder::port);
    memory.ifPresent(builder::memory);
    return builder.build();
  }

  private static void checkLeaseDuration(Duration duration) {
    if (duration.compareTo(MIN_LEASE_DURATION) < 0 || duration.compareTo(MAX_LEASE_DURATION) > 0) {
      throw new RefusedException(
          "The lease duration "
              + duration
              + " is outside "
              + MIN_LEASE_DURATION.toSeconds()
              + " seconds to "
              + MAX_LEASE_DURATION.toDays()
              + " days.");
    }
  }

  private static void checkFamilies(List<Network> networks) {
    if (networks.isEmpty()) {
      throw new RefusedException("An overlay has at least one network.");
    }
    if (networks.stream().map(network -> network.prefix().family()).distinct().count()
        < networks.size()) {
      throw new RefusedException(
          "An overlay has one network of each IP family at most, not "
              + networks.stream().map(Network::prefix).toList()
              + "; give the others VNIs of their own.");
    }
  }

  private static void checkUsable(IpPrefix network) {
    for (IpPrefix unusable : UNUSABLE) {
      if (network.overlaps(unusable)) {
        throw new RefusedException(
            "The network "
                + network
                + " cannot be one of containers: it shares addresses with "
                + unusable
                + ", which no interface can have or no router forwards; use a private one such as"
                + " 10.244.0.0/16 or fd00:244::/48.");
      }
    }
  }

  private static void checkSubnetLength(IpPrefix network, int subnetLength) {
    if (subnetLength < network.length()) {
      throw new RefusedException(
          "A host's subnet of length /"
              + subnetLength
              + " is larger than the whole network "
              + network
              + "; choose a subnet length of "
              + network.length()
              + " or more.");
    }
    int longest = Network.longestSubnet(network);
    if (subnetLength > longest) {
      throw new RefusedException(
          "A host's subnet of length /"
              + subnetLength
              + " has no room for a gateway and a container; choose a subnet length of at most "
              + longest
              + ".");
    }
  }

  private static void checkSubnet(IpPrefix network, int subnetLength, IpPrefix wanted) {
    if (wanted.length() < network.length() || !network.contains(wanted.address())) {
      throw new RefusedException(
          "The subnet " + wanted + " is outside the network " + network + ".");
    }
    if (wanted.length() != subnetLength) {
      throw new RefusedException(
          "The subnet "
              + wanted
              + " has not the subnet length /"
              + subnetLength
              + " that hosts of the network "
              + network
              + " use.");
    }
  }

  static void checkUnderlay(IpPrefix network, InetAddress underlayAddress) {
    String address = IpAddresses.text(underlayAddress);
    if (underlayAddress.isAnyLocalAddress()
        || underlayAddress.isMulticastAddress()
        || underlayAddress.isLoopbackAddress()) {
      throw new RefusedException(address + " cannot be the underlay address of a host.");
    }
    if (network.contains(underlayAddress)) {
      throw new RefusedException(
          "The network "
              + network
              + " contains this host's underlay address "
              + address
              + ": tunnel packets would go into their own tunnel; choose another network.");
    }
  }
}
