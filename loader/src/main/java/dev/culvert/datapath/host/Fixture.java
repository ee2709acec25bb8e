// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.MacAddress;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.netlink.RouteInfo;
import java.net.InetAddress;
import java.util.Optional;

/**
 * One thing of this instance's on its host, as it should be. {@link HostPlan} says which there are,
 * {@link Upkeep} makes and mends them.
 */
public sealed interface Fixture {
  /** The device that it is about; without the device there is nothing to mend. */
  int interfaceIndex();

  /** What it is, for people: "the address 10.244.1.1 of culvert0". */
  String text();

  /**
   * A device that is up, and what it is called and has. Its MTU is {@link Mtus}'s.
   *
   * @param mac empty where the device has none (TUN)
   */
  record Device(int interfaceIndex, InterfaceName name, Optional<MacAddress> mac, String alias)
      implements Fixture {
    @Override
    public String text() {
      return "the device " + name;
    }
  }

  /** A setting of a device, as below {@code /proc/sys/net/FAMILY/conf/DEVICE/}. */
  record Setting(int interfaceIndex, String device, Knob knob, int value) implements Fixture {
    @Override
    public String text() {
      return "the setting " + knob.path(device) + " = " + value;
    }
  }

  /** The settings that there are. */
  enum Knob {
    /** Whether IPv4 packets that enter there may leave elsewhere. */
    FORWARDING(IpFamily.IPV4, "forwarding"),
    /** Reverse path filtering: 1 strict, 2 loose. */
    REVERSE_PATH(IpFamily.IPV4, "rp_filter"),
    /** 1 where the device has no IPv6. */
    IPV6_DISABLED(IpFamily.IPV6, "disable_ipv6"),
    /** Whether router advertisements change addresses and routes. */
    ACCEPT_RA(IpFamily.IPV6, "accept_ra"),
    /** Whether IPv6 packets are forwarded though the host as a whole forwards none (6.17). */
    FORCE_FORWARDING(IpFamily.IPV6, "force_forwarding");

    /** Of the whole host, its administrator's to set. */
    static final String FORWARDING_EVERYWHERE = "net.ipv6.conf.all.forwarding";

    private final IpFamily family;
    private final String file;

    Knob(IpFamily family, String file) {
      this.family = family;
      this.file = file;
    }

    String file() {
      return file;
    }

    /** As sysctl(8) has it. */
    public String path(String device) {
      return "net." + (family == IpFamily.IPV4 ? "ipv4" : "ipv6") + ".conf." + device + "." + file;
    }
  }

  /** An address of a device, alone on its link: of full length. */
  record Address(int interfaceIndex, String device, InetAddress address) implements Fixture {
    @Override
    public String text() {
      return "the address " + IpAddresses.text(address) + " of " + device;
    }
  }

  /** A route through a device; with a program where that judges what takes it. */
  record Route(RouteInfo route, String device, Optional<BpfProgram> judge) implements Fixture {
    @Override
    public int interfaceIndex() {
      return route.interfaceIndex();
    }

    @Override
    public String text() {
      return "the route "
          + IpAddresses.text(route.destination())
          + "/"
          + route.prefixLength()
          + " dev "
          + device;
    }
  }
}
