// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.host;

import dev.culvert.kernel.RefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/**
 * IPv6 settings of interfaces in one network namespace, which netlink cannot change
 * (Documentation/networking/ip-sysctl.rst). Meant for interfaces that we made.
 */
public final class Ipv6Settings {
  /** 1 where the interface has no IPv6 at all. */
  public static final String DISABLED = "disable_ipv6";

  /** Whether router advertisements change addresses and routes. */
  public static final String ACCEPT_RA = "accept_ra";

  /** Whether new addresses are looked for on the link before they are used. */
  public static final String ACCEPT_DAD = "accept_dad";

  /** Whether what comes in is forwarded though {@code all/forwarding} is 0; from Linux 6.17 on. */
  public static final String FORCE_FORWARDING = "force_forwarding";

  private static final Path CONF = Path.of("/proc/sys/net/ipv6/conf");

  private final NetNamespace namespace;

  /**
   * Reads nothing yet.
   *
   * @param namespace whose interfaces they are; stays the caller's, open as long as this is used
   */
  public Ipv6Settings(NetNamespace namespace) {
    this.namespace = namespace;
  }

  /**
   * Makes a setting have a value; nothing is written where it has.
   *
   * @param interfaceName a name in the namespace, or {@code all} or {@code default}
   * @param setting a file below /proc/sys/net/ipv6/conf/NAME, such as {@link #ACCEPT_RA}
   * @param value 0 or 1, mostly
   * @throws RefusedException when the kernel has no IPv6, or does not let us
   */
  public void set(String interfaceName, String setting, int value) {
    try {
      // /proc/sys/net shows each thread its own network namespace.
      namespace.call(write(CONF.resolve(interfaceName).resolve(setting), Integer.toString(value)));
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new RefusedException(
          "The IPv6 setting %s of the interface %s cannot be made %d (%s): %s."
              .formatted(
                  setting,
                  interfaceName,
                  value,
                  e,
                  Files.isDirectory(CONF)
                      ? "is /proc/sys writable?"
                      : "this kernel runs without IPv6; start it without ipv6.disable=1, or configure"
                          + " no IPv6 network"),
          e);
    }
  }

  private static Callable<Void> write(Path setting, String value) {
    return () -> {
      if (!readIsEqual(setting, value)) {
        Files.writeString(setting, value);
      }
      return null;
    };
  }

  private static boolean readIsEqual(Path setting, String value) throws IOException {
    return Files.readString(setting).strip().equals(value);
  }
}
