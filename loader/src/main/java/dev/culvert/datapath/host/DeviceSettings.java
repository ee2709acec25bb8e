// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import dev.culvert.datapath.host.Fixture.Knob;
import dev.culvert.datapath.host.Fixture.Setting;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.host.Ipv6Settings;
import dev.culvert.kernel.netlink.Netlink;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Settings of devices, read from proc(5) and written as the kernel lets us: by netlink where it
 * can, which also works where /proc/sys is read-only.
 */
final class DeviceSettings {
  private static final Path SETTINGS = Path.of("/proc/sys");

  private final Netlink netlink;
  private final Ipv6Settings ipv6;

  DeviceSettings(Netlink netlink) {
    this.netlink = netlink;
    this.ipv6 = new Ipv6Settings(netlink.namespace());
  }

  /** Those of the wanted settings that have another value. */
  List<Setting> differing(List<Setting> wanted) {
    if (wanted.isEmpty()) {
      return List.of();
    }
    // Each thread sees its own namespace's: all are read on one thread made for it.
    return netlink
        .namespace()
        .run(() -> wanted.stream().filter(setting -> !isSatisfied(setting)).toList());
  }

  private static boolean isSatisfied(Setting setting) {
    Optional<String> value = read(setting.knob().path(setting.device()));
    if (setting.knob() == Knob.FORCE_FORWARDING && value.isEmpty()) {
      return read(Knob.FORWARDING_EVERYWHERE).filter(now -> now.equals("0")).isEmpty();
    }
    // A device that went meanwhile wants nothing.
    return value.isEmpty() || value.get().equals(Integer.toString(setting.value()));
  }

  private static Optional<String> read(String setting) {
    try {
      return Optional.of(Files.readString(SETTINGS.resolve(setting.replace('.', '/'))).strip());
    } catch (NoSuchFileException none) {
      return Optional.empty();
    } catch (IOException e) {
      throw new RefusedException("The setting " + setting + " cannot be read: " + e + ".", e);
    }
  }

  /**
   * A setting of IPv4, on a thread in the device's namespace.
   *
   * @return 0 also where it is not there
   */
  static int number(String device, String name) {
    return read("net.ipv4.conf/" + device + "/" + name).map(Integer::parseInt).orElse(0);
  }

  void set(Setting setting) {
    int index = setting.interfaceIndex();
    switch (setting.knob()) {
      case FORWARDING -> netlink.setIpv4Forwarding(index, setting.value() == 1);
      case REVERSE_PATH -> {
        if (setting.value() == 1) {
          netlink.setStrictReversePath(index);
        } else {
          netlink.setLooseReversePath(index);
        }
      }
      case FORCE_FORWARDING -> force(setting);
      case IPV6_DISABLED, ACCEPT_RA ->
          ipv6.set(setting.device(), setting.knob().file(), setting.value());
    }
  }

  private void force(Setting setting) {
    if (read(setting.knob().path("all")).isEmpty()) {
      throw new RefusedException(
          "This host forwards no IPv6, and this kernel (before 6.17) has no such setting for one"
              + " device: what the programs leave to the stack on "
              + setting.device()
              + " is lost. Run \"sysctl -w "
              + Knob.FORWARDING_EVERYWHERE
              + "=1\".");
    }
    ipv6.set(setting.device(), setting.knob().file(), setting.value());
  }
}
