// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import dev.culvert.control.HostName;
import dev.culvert.control.NetworkSettings;
import dev.culvert.control.OverlayConfig;
import dev.culvert.control.Reservations;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.RefusedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The text of what all hosts of a network must agree on, as stores keep it that a person reads and
 * writes too: lines as in {@link LeaseText}. Pure, for any thread; described in docs/network.md.
 *
 * <pre>
 * network = 10.244.0.0/16
 * subnetLength = 24
 * vni = 1
 * port = 4789
 * directRouting = true
 * wireVni = 7                                 # optional: what packets bear in place of vni
 * reserved = 10.244.0.0/24, 10.244.100.0/22   # optional: no host gets these
 * subnet.host-07 = 10.244.7.0/24              # optional: that host's, and nobody else's
 * change = 1                                  # optional: how often the following were changed
 * former.port = 8472                          # with it, as are the other two: as before that
 * </pre>
 */
public final class NetworkText {
  private static final String BY_HOST = "subnet.";
  private static final String CHANGE = "change";
  private static final String FORMER = "former.";
  private static final String NEVER = "reserved";
  private static final List<String> REQUIRED = List.of("vni", "port", "directRouting");
  private static final List<String> KEYS =
      List.of(
          "network",
          "subnetLength",
          "network6",
          "subnetLength6",
          "vni",
          "port",
          "directRouting",
          "wireVni",
          CHANGE,
          FORMER + "port",
          FORMER + "directRouting",
          FORMER + "wireVni",
          NEVER);

  private final TextEntries entries;

  private NetworkText(TextEntries entries) {
    this.entries = entries;
  }

  /**
   * {@return the settings that a text describes}
   *
   * @param text of the lines above, in any order
   * @throws MalformedException naming the first line that makes no sense
   */
  public static NetworkSettings parse(String text) throws MalformedException {
    Objects.requireNonNull(text, "text");
    TextEntries entries =
        TextEntries.parse(
            text, NetworkText::isKey, String.join(", ", KEYS) + " and " + BY_HOST + "HOST");
    entries.require(REQUIRED);
    return new NetworkText(entries).settings();
  }

  private static boolean isKey(String key) {
    return KEYS.contains(key) || key.startsWith(BY_HOST);
  }

  /**
   * {@return a text that {@link #parse} understands: the same for the same settings}
   *
   * @param settings to be written
   */
  public static String format(NetworkSettings settings) {
    Objects.requireNonNull(settings, "settings");
    StringBuilder text = new StringBuilder("# Written by Culvert; see docs/network.md.\n");
    lines(settings).forEach((key, value) -> TextEntries.line(text, key, value));
    return text.toString();
  }

  /**
   * What {@link #format} writes, by key.
   *
   * @param settings to be written
   * @return in the order of the text; the caller's to change
   */
  public static Map<String, String> lines(NetworkSettings settings) {
    Objects.requireNonNull(settings, "settings");
    Map<String, String> lines = new LinkedHashMap<>(settings.agreed());
    settings.transport().vni().ifPresent(vni -> lines.put("wireVni", vni.toString()));
    settings
        .change()
        .ifPresent(change -> {
          NetworkSettings.Transport former = change.former();
          lines.put(CHANGE, Long.toString(change.number()));
          lines.put(FORMER + "port", Integer.toString(former.port()));
          lines.put(FORMER + "directRouting", Boolean.toString(former.directRouting()));
          former.vni().ifPresent(vni -> lines.put(FORMER + "wireVni", vni.toString()));
        });
    Reservations reservations = settings.reservations();
    if (!reservations.never().isEmpty()) {
      lines.put(NEVER, list(reservations.never()));
    }
    reservations.byHost().forEach((host, subnets) -> lines.put(BY_HOST + host, list(subnets)));
    return lines;
  }

  private static String list(List<IpPrefix> prefixes) {
    return prefixes.stream().map(IpPrefix::toString).collect(Collectors.joining(", "));
  }

  private NetworkSettings settings() throws MalformedException {
    List<OverlayConfig.Network> networks = new ArrayList<>();
    network("", IpFamily.IPV4).ifPresent(networks::add);
    network("6", IpFamily.IPV6).ifPresent(networks::add);
    if (networks.isEmpty()) {
      entries.require(List.of("network"));
    }
    Vni vni = entries.read("vni", value -> new Vni(Integer.parseInt(value)));
    NetworkSettings.Transport transport = transport("");
    Optional<NetworkSettings.Change> change = change();
    Reservations reservations = reservations();
    try {
      return new NetworkSettings(vni, networks, transport, reservations, change);
    } catch (RefusedException e) {
      var malformed = new MalformedException("as a whole: " + e.getMessage());
      malformed.initCause(e);
      throw malformed;
    }
  }

  private NetworkSettings.Transport transport(String prefix) throws MalformedException {
    int port = entries.read(prefix + "port", NetworkText::port);
    boolean direct = entries.read(prefix + "directRouting", NetworkText::flag);
    String key = prefix + "wireVni";
    Optional<Vni> vni =
        entries.has(key)
            ? Optional.of(entries.read(key, value -> new Vni(Integer.parseInt(value))))
            : Optional.empty();
    return new NetworkSettings.Transport(port, direct, vni);
  }

  private Optional<NetworkSettings.Change> change() throws MalformedException {
    if (!entries.has(CHANGE)) {
      return Optional.empty();
    }
    entries.require(List.of(FORMER + "port", FORMER + "directRouting"));
    NetworkSettings.Transport former = transport(FORMER);
    return Optional.of(
        entries.read(CHANGE, value -> new NetworkSettings.Change(Long.parseLong(value), former)));
  }

  private Optional<OverlayConfig.Network> network(String suffix, IpFamily family)
      throws MalformedException {
    String key = "network" + suffix;
    if (!entries.has(key)) {
      return Optional.empty();
    }
    IpPrefix prefix =
        entries.read(
            key,
            value -> {
              IpPrefix read = IpPrefix.parse(value);
              if (read.family() != family) {
                throw new RefusedException(
                    value + " is of the other IP family: network is IPv4, network6 IPv6.");
              }
              return read;
            });
    String length = "subnetLength" + suffix;
    if (!entries.has(length)) {
      return Optional.of(entries.read(key, _ -> OverlayConfig.Network.of(prefix)));
    }
    return Optional.of(
        entries.read(
            length,
            value -> new OverlayConfig.Network(prefix, Integer.parseInt(value), Optional.empty())));
  }

  private Reservations reservations() throws MalformedException {
    List<IpPrefix> never = entries.has(NEVER) ? entries.read(NEVER, NetworkText::list) : List.of();
    Map<HostName, List<IpPrefix>> byHost = new HashMap<>();
    for (String key : entries.keys()) {
      if (key.startsWith(BY_HOST)) {
        HostName host = entries.read(key, _ -> new HostName(key.substring(BY_HOST.length())));
        byHost.put(host, entries.read(key, NetworkText::list));
      }
    }
    return new Reservations(never, byHost);
  }

  private static List<IpPrefix> list(String text) {
    return Arrays.stream(text.split(",", -1)).map(each -> IpPrefix.parse(each.strip())).toList();
  }

  private static int port(String text) {
    int port = Integer.parseInt(text);
    if (port < 1 || port > 65535) {
      throw new RefusedException(text + " is no port; they go from 1 to 65535.");
    }
    return port;
  }

  private static boolean flag(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new RefusedException("\"" + text + "\" is neither true nor false.");
    };
  }
}
