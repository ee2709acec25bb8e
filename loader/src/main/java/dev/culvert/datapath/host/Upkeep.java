// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.host.Fixture.Address;
import dev.culvert.datapath.host.Fixture.Device;
import dev.culvert.datapath.host.Fixture.Route;
import dev.culvert.datapath.host.Fixture.Setting;
import dev.culvert.kernel.Errno;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.netlink.AddressInfo;
import dev.culvert.kernel.netlink.LinkInfo;
import dev.culvert.kernel.netlink.Netlink;
import dev.culvert.kernel.netlink.ProgramReference;
import dev.culvert.kernel.netlink.RouteInfo;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Makes what a {@link HostPlan} asks for, and mends it when somebody has changed it. What others
 * made is never replaced: it is refused in words. Owned by one thread.
 */
public final class Upkeep {
  private static final System.Logger LOG = System.getLogger(Upkeep.class.getName());

  private final Netlink netlink;
  private final DeviceSettings settings;

  /** Kernels without CONFIG_LWTUNNEL_BPF have no routes with programs. */
  private boolean programsRefused;

  public Upkeep(Netlink netlink) {
    this.netlink = netlink;
    this.settings = new DeviceSettings(netlink);
  }

  /** What is to be done about a fixture that is not as it should be. */
  private interface Step {
    void run(Fixture fixture, Runnable work);
  }

  /**
   * Makes what is missing, and puts routes' programs in place of earlier ones. Ends with the first
   * failure.
   *
   * @throws RefusedException when somebody else's route is in the way
   */
  public void make(List<Fixture> plan) {
    see(plan, true, (_, work) -> work.run());
  }

  /**
   * Mends what is not as it should be, and leaves the rest alone.
   *
   * @return a sentence for each thing that could not be mended
   */
  public List<String> mend(List<Fixture> plan) {
    return told(plan, false);
  }

  /** As {@link #make}, but what cannot be done is told and stops nothing. */
  public List<String> renew(List<Fixture> plan) {
    return told(plan, true);
  }

  private List<String> told(List<Fixture> plan, boolean making) {
    List<String> told = new ArrayList<>();
    see(
        plan,
        making,
        (fixture, work) -> {
          try {
            work.run();
            if (!making) {
              LOG.log(Level.INFO, "Somebody changed {0}; it is as before again.", fixture.text());
            }
          } catch (RefusedException refused) {
            told.add(refused.getMessage());
          } catch (KernelException failed) {
            if (netlink.link(fixture.interfaceIndex()).isPresent()) { // Else it went meanwhile.
              told.add(
                  "Somebody changed "
                      + fixture.text()
                      + ", and it cannot be put back: "
                      + failed.getMessage());
            }
          }
        });
    return told;
  }

  /** Whether routes run their programs, as far as they were asked to. */
  public boolean routesRunPrograms() {
    return !programsRefused;
  }

  /** Kind by kind, since a device that was down has lost addresses, and those take routes along. */
  private void see(List<Fixture> plan, boolean making, Step step) {
    Map<Integer, LinkInfo> links =
        netlink.links().stream().collect(Collectors.toMap(LinkInfo::index, Function.identity()));
    List<Fixture> there =
        plan.stream().filter(fixture -> links.containsKey(fixture.interfaceIndex())).toList();
    for (Device device : of(Device.class, there)) {
      LinkInfo link = links.get(device.interfaceIndex());
      if (!isAsItShould(device, link)) {
        step.run(device, () -> mend(device, link));
      }
    }
    for (Setting setting : settings.differing(of(Setting.class, there))) {
      step.run(setting, () -> settings.set(setting));
    }
    seeAddresses(of(Address.class, there), step);
    seeRoutes(of(Route.class, there), making, step);
  }

  private static <T extends Fixture> List<T> of(Class<T> kind, List<Fixture> fixtures) {
    return fixtures.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static boolean isAsItShould(Device device, LinkInfo link) {
    return link.up()
        && link.name().equals(device.name().text())
        && hasMac(device, link)
        && device.alias().equals(link.alias());
  }

  private static boolean hasMac(Device device, LinkInfo link) {
    return device.mac().map(mac -> Arrays.equals(link.mac(), mac.toBytes())).orElse(true);
  }

  private void mend(Device device, LinkInfo link) {
    int index = link.index();
    if (!device.alias().equals(link.alias())) {
      netlink.setAlias(index, device.alias());
    }
    if (!hasMac(device, link)) {
      netlink.setMac(index, device.mac().orElseThrow().toBytes());
    }
    if (!link.name().equals(device.name().text())) {
      requireFree(device.name());
      netlink.rename(index, device.name());
    }
    if (!netlink.link(index).map(LinkInfo::up).orElse(true)) {
      netlink.setUp(index, true);
    }
  }

  private void requireFree(InterfaceName name) {
    if (netlink.link(name).isPresent()) {
      throw new RefusedException(
          "Somebody renamed the device "
              + name
              + " of ours, and another has its name now: rename or delete that (ip link delete "
              + name
              + ").");
    }
  }

  private void seeAddresses(List<Address> wanted, Step step) {
    Set<AddressInfo> present = new HashSet<>(wanted.isEmpty() ? List.of() : netlink.addresses());
    for (Address address : wanted) {
      int length = IpPrefix.of(address.address()).length();
      if (!present.contains(new AddressInfo(address.interfaceIndex(), address.address(), length))) {
        step.run(
            address, () -> netlink.addAddress(address.interfaceIndex(), address.address(), length));
      }
    }
  }

  private void seeRoutes(List<Route> wanted, boolean making, Step step) {
    List<RouteInfo> present =
        wanted.isEmpty()
            ? List.of()
            : netlink.routes().all().stream()
                .filter(r -> r.table() == RouteInfo.TABLE_MAIN)
                .toList();
    for (Route route : wanted) {
      Optional<RouteInfo> ours =
          present.stream()
              .filter(r -> Routes.sameDestination(r, route.route()))
              .filter(r -> r.protocol() == RouteInfo.OUR_PROTOCOL)
              .findFirst();
      boolean same = ours.filter(r -> sameWay(r, route.route())).isPresent();
      boolean renew = making && route.judge().isPresent();
      if (!same || renew) {
        step.run(route, () -> put(route, ours.isPresent(), present));
      }
    }
  }

  private static boolean sameWay(RouteInfo a, RouteInfo b) {
    return a.interfaceIndex() == b.interfaceIndex()
        && a.gateway().equals(b.gateway())
        && a.mtuBytes() == b.mtuBytes()
        && a.preferredSource().equals(b.preferredSource());
  }

  private void put(Route route, boolean ours, List<RouteInfo> present) {
    boolean done = ours ? replace(route) : add(route);
    if (!done) {
      RouteInfo other =
          present.stream()
              .filter(r -> Routes.sameDestination(r, route.route()))
              .findFirst()
              .orElse(route.route());
      String to = IpAddresses.text(other.destination()) + "/" + other.prefixLength();
      throw new RefusedException(
          "There is a route to "
              + to
              + " already"
              + other.gateway().map(via -> " (via " + IpAddresses.text(via) + ")").orElse("")
              + " that Culvert did not make, and it is left as it is: what this host itself sends"
              + " there does not go through the overlay. Give it a metric, or remove it: ip route"
              + " delete "
              + to);
    }
  }

  private boolean replace(Route route) {
    if (route.judge().isPresent() && !programsRefused) {
      try {
        netlink.routes().replace(route.route(), program(route.judge().get()));
        return true;
      } catch (KernelException refused) {
        noteRefusal(refused);
      }
    }
    netlink.routes().replace(route.route());
    return true;
  }

  private static ProgramReference program(BpfProgram judge) {
    return new ProgramReference(judge.fd(), judge.name());
  }

  private boolean add(Route route) {
    if (route.judge().isPresent() && !programsRefused) {
      try {
        return netlink.routes().add(route.route(), program(route.judge().get()));
      } catch (KernelException refused) {
        noteRefusal(refused);
      }
    }
    return netlink.routes().add(route.route());
  }

  private void noteRefusal(KernelException refused) {
    if (refused.errno() != Errno.EOPNOTSUPP) {
      throw refused;
    }
    programsRefused = true;
  }
}
