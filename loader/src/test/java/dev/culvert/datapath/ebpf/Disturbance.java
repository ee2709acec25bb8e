// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.host.Fixture;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.Link;
import java.net.Inet6Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Something that somebody does to a thing of ours, generated from the description that the datapath
 * itself works from, and from what it has pinned.
 *
 * @param thing as the description calls it
 * @param how what is done to it
 * @param others whether what stands there afterwards is somebody else's, and so to be told
 */
record Disturbance(String thing, String how, boolean others, Runnable action) {
  /** Everything x everything that can be done to it, on one host. */
  static List<Disturbance> all(TwoHosts.Host host, List<Fixture> fixtures, Libc libc)
      throws Exception {
    List<Disturbance> all = new ArrayList<>();
    for (Fixture fixture : fixtures) {
      switch (fixture) {
        case Fixture.Device device -> all.addAll(of(host, device));
        case Fixture.Setting setting -> all.add(of(host, setting));
        case Fixture.Address address -> all.add(of(host, address));
        case Fixture.Route route -> all.addAll(of(host, route));
      }
    }
    for (String room : rooms(host, fixtures)) {
      all.add(command(host, "the device " + room, "deleted", "ip link delete " + room));
      all.add(
          command(
              host, "the device " + room, "renamed", "ip link set " + room + " name elsewhere"));
    }
    if (host.run("nft list tables netdev").contains("culvert0")) { // none with eBPF
      String rules = "the table netdev culvert0 of nftables";
      all.add(command(host, rules, "deleted", "nft delete table netdev culvert0"));
    }
    Path pinned = host.pins().resolve("links"); // none without eBPF
    if (Files.exists(pinned)) {
      try (Stream<Path> links = Files.list(pinned)) {
        links.sorted().forEach(pin -> all.add(detached(pin, libc)));
      }
    }
    return all;
  }

  private static List<Disturbance> of(TwoHosts.Host host, Fixture.Device device) {
    String text = device.text();
    String set = "ip link set " + device.name() + " ";
    List<Disturbance> all =
        new ArrayList<>(
            List.of(
                // A container that ended takes its interface along: nobody knows that this is not
                // so.
                new Disturbance(
                    text,
                    "deleted",
                    !device.name().text().equals("culvert0"),
                    () -> host.run("ip link delete " + device.name())),
                command(host, text, "down", set + "down"),
                command(host, text, "renamed", set + "name elsewhere"),
                command(host, text, "MTU changed", set + "mtu 1300"),
                command(host, text, "alias changed", set + "alias somebody")));
    device
        .mac()
        .ifPresent(
            _ -> all.add(command(host, text, "MAC changed", set + "address 02:00:00:00:be:ef")));
    return all;
  }

  private static Disturbance of(TwoHosts.Host host, Fixture.Setting setting) {
    int other = setting.value() == 0 ? 1 : setting.value() - 1;
    String command = "sysctl -qw " + setting.knob().path(setting.device()) + "=" + other;
    return command(host, setting.text(), "changed", command);
  }

  private static Disturbance of(TwoHosts.Host host, Fixture.Address address) {
    return command(
        host,
        address.text(),
        "deleted",
        "ip address delete %s dev %s".formatted(IpPrefix.of(address.address()), address.device()));
  }

  private static List<Disturbance> of(TwoHosts.Host host, Fixture.Route route) {
    String to = IpAddresses.text(route.route().destination()) + "/" + route.route().prefixLength();
    String ip = route.route().destination() instanceof Inet6Address ? "ip -6" : "ip";
    return List.of(
        command(
            host, route.text(), "deleted", ip + " route delete " + to + " dev " + route.device()),
        new Disturbance(
            route.text(),
            "replaced",
            true,
            () -> host.run(ip + " route replace " + to + " dev " + TwoHosts.UNDERLAY)));
  }

  /** Devices of ours beside those that the description names, which must only be there. */
  private static TreeSet<String> rooms(TwoHosts.Host host, List<Fixture> fixtures) {
    TreeSet<String> names = new TreeSet<>();
    for (String line : host.run("ip -o link").split("\n", -1)) {
      if (line.contains("alias culvert:" + host.namespace())) {
        names.add(line.split(": ", -1)[1].replaceFirst("@.*", ""));
      }
    }
    fixtures.forEach(fixture -> {
      if (fixture instanceof Fixture.Device device) {
        names.remove(device.name().text());
      }
    });
    return names;
  }

  private static Disturbance detached(Path pin, Libc libc) {
    return new Disturbance(
        "the program " + pin.getFileName(),
        "detached",
        false,
        () -> {
          try (Link link = Link.openPinned(libc, pin)) {
            link.detach();
          }
        });
  }

  private static Disturbance command(TwoHosts.Host host, String thing, String how, String command) {
    return new Disturbance(thing, how, false, () -> host.run(command));
  }
}
