// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab;

import dev.culvert.datapath.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a lab looks like: names and addresses, computed; nothing is built here. With two hosts and
 * six containers these are the scenarios' fixed ones.
 *
 * @param prefix of all its namespaces
 */
public record LabPlan(
    String prefix, int hosts, int containers, Underlay underlay, Family family, Store store) {
  /** Which IP families it has. */
  public enum Family {
    /** The scenarios' own. */
    IPV4,
    /** IPv6 inside too, over the same IPv4 underlay. */
    DUAL,
    /** Both inside, over an IPv6 underlay. */
    IPV6;

    /** The family of the hosts' underlay addresses. */
    public IpFamily underlay() {
      return this == IPV6 ? IpFamily.IPV6 : IpFamily.IPV4;
    }

    /** Whether the hosts' underlay addresses are IPv6. */
    public boolean underlayIpv6() {
      return this == IPV6;
    }

    /** Whether containers have an IPv6 address besides. */
    public boolean innerIpv6() {
      return this != IPV4;
    }

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** How the hosts are joined. */
  public enum Underlay {
    /** Each in a network of its own, with a router between. */
    ROUTED,
    /** All in one network. */
    FLAT;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** Where Culvert's agents lease their subnets. */
  public enum Store {
    /** A directory that they share, as agents of one machine can. */
    DIRECTORY,
    /** An etcd in a namespace of its own, which hosts reach over a network that carries no more. */
    ETCD;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** The overlay network. */
  public static final String NETWORK = "10.244.0.0/16";

  /** The overlay's IPv6 network, where there is one. */
  public static final String NETWORK6 = "fd00:10:244::/48";

  /** Of the lab that people see. */
  public static final String PREFIX = "culvert-";

  /** Of the store's network, RFC 2544's for benchmarks: nobody here has it otherwise. */
  private static final String STORE_NETWORK = "198.18.0.";

  private static final int MAX_HOSTS = 100;
  private static final int MAX_CONTAINERS_PER_HOST = 200;

  /**
   * A host.
   *
   * @param address on the underlay, a /24 or a /64
   * @param gateway the router's address there; empty in a flat underlay
   */
  public record Host(
      int number, String name, String namespace, String address, Optional<String> gateway) {
    /**
     * What its agent calls itself on this machine, where another lab may have a host of the same
     * name: "host-01", or "x-routes-host-01" with a prefix of "culvert-x-routes-".
     */
    public String instance() {
      return namespace.startsWith(PREFIX) ? namespace.substring(PREFIX.length()) : namespace;
    }

    public String subnet() {
      return "10.244." + number + ".0/24";
    }

    public String subnet6() {
      return "fd00:10:244:" + number + "::/64";
    }

    /** The host's own IPv6 address towards its containers. */
    public String subnetGateway6() {
      return "fd00:10:244:" + number + "::1";
    }

    /** The address towards the store, where that is one over a network, with its length. */
    String storeAddressWithLength() {
      return withLength(STORE_NETWORK + (1 + number));
    }

    /** The underlay address with its prefix length. */
    String addressWithLength() {
      return withLength(address);
    }

    static String withLength(String underlayAddress) {
      return underlayAddress + (underlayAddress.contains(":") ? "/64" : "/24");
    }

    /** The host's own address towards its containers, where a datapath needs one. */
    public String subnetGateway() {
      return "10.244." + number + ".1";
    }

    /** The first address of the subnet, which flannel gives to its device. */
    public String subnetZero() {
      return "10.244." + number + ".0";
    }

    /** The same in IPv6. */
    public String subnetZero6() {
      return "fd00:10:244:" + number + "::";
    }

    /** The address of its container number index, counted from 0. */
    String containerAddress(int index) {
      return "10.244." + number + "." + (2 + index);
    }

    String containerAddress6(int index) {
      return "fd00:10:244:" + number + "::" + (2 + index);
    }
  }

  /**
   * A container.
   *
   * @param address6 empty where there is no IPv6 inside
   */
  public record Container(
      int number,
      String name,
      String namespace,
      Host host,
      String address,
      Optional<String> address6) {
    /** All that it has, IPv4 first. */
    public List<String> addresses() {
      return Stream.concat(Stream.of(address), address6.stream()).toList();
    }

    /** The same container, known by its IPv6 address. */
    public Container overIpv6() {
      String known = address6.orElseThrow(() -> new LabException(name + " has no IPv6 address."));
      return new Container(number, name, namespace, host, known, Optional.empty());
    }
  }

  /** Of the scenarios' own family. */
  public LabPlan(String prefix, int hosts, int containers, Underlay underlay) {
    this(prefix, hosts, containers, underlay, Family.IPV4, Store.DIRECTORY);
  }

  public LabPlan {
    if (hosts < 1 || hosts > MAX_HOSTS) {
      throw new LabException("A lab has 1 to " + MAX_HOSTS + " hosts, not " + hosts + ".");
    }
    if (containers < 0 || containers > hosts * MAX_CONTAINERS_PER_HOST) {
      throw new LabException(
          "%d hosts take 0 to %d containers, not %d."
              .formatted(hosts, hosts * MAX_CONTAINERS_PER_HOST, containers));
    }
  }

  /** The same with other IP families. */
  public LabPlan with(Family families) {
    return new LabPlan(prefix, hosts, containers, underlay, families, store);
  }

  /** The same with another store. */
  public LabPlan with(Store leases) {
    return new LabPlan(prefix, hosts, containers, underlay, family, leases);
  }

  /** The scenarios' lab. */
  public static LabPlan standard(Underlay underlay) {
    return new LabPlan(PREFIX, 2, 6, underlay);
  }

  /** A host by number, from 1; also one that is not in the lab yet. */
  public Host host(int number) {
    String name = "host-%02d".formatted(number);
    return switch (underlay) {
      case ROUTED -> {
        String network =
            family.underlayIpv6()
                ? "fd00:10:" + (16 + number) + ":2::"
                : "10." + (16 + number) + ".2.";
        yield new Host(number, name, prefix + name, network + 2, Optional.of(network + 1));
      }
      case FLAT -> {
        String network = family.underlayIpv6() ? "fd00:192:168::" : "192.168.0.";
        yield new Host(
            number, name, prefix + name, network + flatAddress(number), Optional.empty());
      }
    };
  }

  /** .232 and .50 are the scenarios'; the others come after. */
  private static int flatAddress(int number) {
    return number == 1 ? 232 : 48 + number;
  }

  public List<Host> hostList() {
    return IntStream.rangeClosed(1, hosts).mapToObj(this::host).toList();
  }

  /** The containers of all hosts, numbered from 1, host after host. */
  public List<Container> containerList() {
    List<Container> all = new ArrayList<>();
    for (Host host : hostList()) {
      int count = containers / hosts + (host.number() <= containers % hosts ? 1 : 0);
      for (int index = 0; index < count; index++) {
        all.add(container(all.size() + 1, host, index));
      }
    }
    return all;
  }

  /** A container that is not in the lab yet, the index-th (from 0) of its host. */
  public Container container(int number, Host host, int index) {
    String name = "container-" + number;
    Optional<String> address6 =
        family.innerIpv6() ? Optional.of(host.containerAddress6(index)) : Optional.empty();
    return new Container(number, name, prefix + name, host, host.containerAddress(index), address6);
  }

  public List<Container> containersOf(Host host) {
    return containerList().stream()
        .filter(container -> container.host().number() == host.number())
        .toList();
  }

  /** The router's namespace; in a flat underlay it holds the switch. */
  public String routerNamespace() {
    return prefix + "router";
  }

  /** The namespace of the store, where that is one over a network. */
  public Optional<String> storeNamespace() {
    return store == Store.ETCD ? Optional.of(prefix + "store") : Optional.empty();
  }

  /** The address of such a store. */
  public static String storeAddress() {
    return STORE_NETWORK + 1;
  }

  /** Every namespace, in the order in which they are made. */
  public List<String> namespaces() {
    return Stream.of(
            Stream.of(routerNamespace()),
            storeNamespace().stream(),
            hostList().stream().map(Host::namespace),
            containerList().stream().map(Container::namespace))
        .flatMap(names -> names)
        .toList();
  }
}
