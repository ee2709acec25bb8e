// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.IpFamily;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.host.HostDevice;
import dev.culvert.datapath.host.HostPlan;
import dev.culvert.kernel.IpAddresses;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The rules that send the overlay's packets past the host's firewall, as nft(8) reads them: those
 * of bypass.nft for each family, and a chain for each direction of each device. Pure.
 *
 * @param gateways of this host, with their networks
 * @param stacks prefixes within the networks that are left to the stack: this host's own subnets,
 *     whatever of them is no container's, and those of hosts that are routed directly and are none
 *     of the next
 * @param directs subnets that are reached directly past the stack
 * @param containers their ends on this host
 * @param bridges that somebody else made
 * @param tunnel the device culvert0
 */
record BypassRules(
    List<Gateway> gateways,
    List<IpPrefix> stacks,
    List<Direct> directs,
    List<Port> containers,
    List<Port> bridges,
    Tunnel tunnel) {
  /** A device and whose packets come from it. */
  record Port(int interfaceIndex, String device, List<IpPrefix> behind) {}

  /** The number of culvert0, and the largest packet that it and containers take. */
  record Tunnel(int interfaceIndex, int mtuBytes) {}

  /** A subnet of a host on the same link, that host's address there, and the interface to it. */
  record Direct(IpPrefix subnet, InetAddress gateway, int interfaceIndex, String device) {}

  /** Of family netdev; as bypass.nft has it. */
  static final String TABLE = "culvert0";

  /** "culv": on packets that go past the stack, until they leave the host's namespace. */
  private static final String MARK = "0x63756c76";

  private static final Pattern PLACE = Pattern.compile("\\$\\{(\\w+)}");
  private static final List<String> SHARED = List.of("stays", "deliver", "leave", "remember");
  private static final String TEMPLATE = template();

  private static final Map<String, String> TERMS_4 =
      Map.ofEntries(
          Map.entry("family", "4"),
          Map.entry("ip", "ip"),
          Map.entry("type", "ipv4_addr"),
          Map.entry("source", "@nh,96,32"),
          Map.entry("destination", "@nh,128,32"),
          Map.entry("hops", "ip ttl"),
          Map.entry("options", "ip hdrlength > 5"),
          Map.entry("fragment", "ip frag-off & 0x3fff != 0"),
          Map.entry("icmp", "icmp"),
          Map.entry("icmpNumber", "1"),
          Map.entry("errors", "{ destination-unreachable, time-exceeded, parameter-problem }"),
          Map.entry("quoted", "@th,160,32 . @th,192,32"), // behind 8 bytes of the error's own
          Map.entry("quotedPorts", "@th,224,32"),
          Map.entry("quotedEcho", "@th,256,16"));

  private static final Map<String, String> TERMS_6 =
      Map.ofEntries(
          Map.entry("family", "6"),
          Map.entry("ip", "ip6"),
          Map.entry("type", "ipv6_addr"),
          Map.entry("source", "@nh,64,128"),
          Map.entry("destination", "@nh,192,128"),
          Map.entry("hops", "ip6 hoplimit"),
          Map.entry("options", "ip6 nexthdr { 0, 43, 60 }"),
          Map.entry("fragment", "exthdr frag exists"),
          Map.entry("icmp", "icmpv6"),
          Map.entry("icmpNumber", "58"),
          Map.entry(
              "errors",
              "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }"),
          Map.entry("quoted", "@th,128,128 . @th,256,128"),
          Map.entry("quotedPorts", "@th,384,32"),
          Map.entry("quotedEcho", "@th,416,16"));

  private static String template() {
    try (InputStream in = BypassRules.class.getResourceAsStream("bypass.nft")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("bypass.nft is missing in the jar", e);
    }
  }

  /** All of it, to be put in the place of whatever is there, but for the flows in the sets. */
  String text() {
    StringBuilder text = new StringBuilder();
    families().map(this::shared).forEach(text::append);
    ports().forEach(port -> appendInward(text, port));
    chain(text, "in-" + tunnel.interfaceIndex(), "ingress", HostDevice.NAME.text());
    families()
        .forEach(family -> {
          rule(
              text,
              "in-" + tunnel.interfaceIndex(),
              "meta protocol " + ip(family) + jump("stays", family));
          rule(
              text,
              "in-" + tunnel.interfaceIndex(),
              "meta protocol " + ip(family) + jump("deliver", family));
        });
    underlays().forEach(underlay -> appendUnderlay(text, underlay));
    ports().forEach(port -> appendOutward(text, port.interfaceIndex(), port.device()));
    underlays().forEach(port -> appendOutward(text, port.interfaceIndex(), port.device()));
    appendOutward(text, tunnel.interfaceIndex(), HostDevice.NAME.text());
    return text.toString();
  }

  /** The names of all chains that {@link #text} makes. */
  Set<String> chains() {
    Set<String> names = new TreeSet<>();
    families()
        .forEach(family -> SHARED.forEach(chain -> names.add(chain + terms(family).get("family"))));
    Stream.of(
            ports().map(Port::interfaceIndex),
            underlays().map(Port::interfaceIndex),
            Stream.of(tunnel.interfaceIndex()))
        .flatMap(indexes -> indexes)
        .forEach(index -> {
          names.add("in-" + index);
          names.add("out-" + index);
        });
    return names;
  }

  private Stream<IpFamily> families() {
    return gateways.stream().map(gateway -> gateway.network().family());
  }

  private Stream<Port> ports() {
    return Stream.concat(containers.stream(), bridges.stream());
  }

  /** The interfaces to hosts that are reached directly, and whose subnets are behind them. */
  private Stream<Port> underlays() {
    Map<Integer, List<Direct>> byInterface =
        directs.stream()
            .collect(
                Collectors.groupingBy(Direct::interfaceIndex, TreeMap::new, Collectors.toList()));
    return byInterface.values().stream()
        .map(via ->
            new Port(
                via.getFirst().interfaceIndex(),
                via.getFirst().device(),
                via.stream().map(Direct::subnet).toList()));
  }

  private static Map<String, String> terms(IpFamily family) {
    return family == IpFamily.IPV4 ? TERMS_4 : TERMS_6;
  }

  private static String ip(IpFamily family) {
    return terms(family).get("ip");
  }

  private String shared(IpFamily family) {
    Map<String, String> terms = new HashMap<>(terms(family));
    String digit = terms.get("family");
    terms.put("mark", MARK);
    terms.put("beyond", IpAddresses.text(HostPlan.beyond(family)));
    terms.put(
        "elements",
        elements("here" + digit, containers, family)
            + elements("bridges" + digit, bridges, family)
            + stacks(digit, family));
    terms.put("toBridges", toBridges(family));
    terms.put("toDirects", toDirects(family));
    terms.put("networks", list(gateways.stream().map(Gateway::network).toList(), family));
    terms.put(
        "gateways",
        list(gateways.stream().map(gateway -> IpPrefix.of(gateway.address())).toList(), family));
    return PLACE.matcher(TEMPLATE).replaceAll(place -> terms.get(place.group(1)));
  }

  /** Addresses of the host's own behind a bridge are the stack's. */
  private String toBridges(IpFamily family) {
    if (bridges.isEmpty()) {
      return "";
    }
    String ip = ip(family);
    String map = "@bridges" + terms(family).get("family");
    return ip
        + " daddr %s fib daddr type unicast meta mark set %s fwd ".formatted(map, MARK)
        + "%s to %s daddr device %s daddr map %s".formatted(ip, ip, ip, map);
  }

  private String toDirects(IpFamily family) {
    String ip = ip(family);
    return directs.stream()
        .filter(direct -> direct.subnet().family() == family)
        .map(direct ->
            ip
                + " daddr %s meta mark set %s fwd %s to %s device \"%s\""
                    .formatted(
                        direct.subnet(),
                        MARK,
                        ip,
                        IpAddresses.text(direct.gateway()),
                        direct.device()))
        .collect(Collectors.joining("\n    "));
  }

  private static String elements(String map, List<Port> ports, IpFamily family) {
    return ports.stream()
        .flatMap(port ->
            port.behind().stream()
                .filter(prefix -> prefix.family() == family)
                .map(prefix ->
                    "add element netdev %s %s { %s : %d }\n"
                        .formatted(TABLE, map, element(prefix), port.interfaceIndex())))
        .collect(Collectors.joining());
  }

  private String stacks(String digit, IpFamily family) {
    String list = list(stacks, family);
    return list.isEmpty()
        ? ""
        : "add element netdev %s stacks%s { %s }\n".formatted(TABLE, digit, list);
  }

  private static String list(List<IpPrefix> prefixes, IpFamily family) {
    return prefixes.stream()
        .filter(prefix -> prefix.family() == family)
        .map(BypassRules::element)
        .collect(Collectors.joining(", "));
  }

  private static String element(IpPrefix prefix) {
    return prefix.equals(IpPrefix.of(prefix.address()))
        ? IpAddresses.text(prefix.address())
        : prefix.toString();
  }

  /** What comes from others' addresses meets the stack, which drops or routes it as it did. */
  private void appendInward(StringBuilder text, Port port) {
    String chain = "in-" + port.interfaceIndex();
    chain(text, chain, "ingress", port.device());
    appendFrom(text, port, List.of("stays", "deliver", "leave"));
  }

  private void appendFrom(StringBuilder text, Port port, List<String> chains) {
    families()
        .forEach(family -> {
          String behind = list(port.behind(), family);
          if (!behind.isEmpty()) {
            for (String next : chains) {
              rule(
                  text,
                  "in-" + port.interfaceIndex(),
                  "%s saddr { %s }".formatted(ip(family), behind) + jump(next, family));
            }
          }
        });
  }

  /**
   * What comes from a host that is reached directly, and from its addresses: for us alone. What a
   * container's interface would not take the stack cuts, or answers; of TCP it is a superpacket.
   */
  private void appendUnderlay(StringBuilder text, Port port) {
    String chain = "in-" + port.interfaceIndex();
    chain(text, chain, "ingress", port.device());
    rule(text, chain, "meta l4proto != tcp meta length > " + tunnel.mtuBytes() + " accept");
    appendFrom(text, port, List.of("stays", "deliver"));
  }

  private void appendOutward(StringBuilder text, int index, String device) {
    String chain = "out-" + index;
    chain(text, chain, "egress", device);
    families()
        .forEach(
            family -> rule(text, chain, "meta protocol " + ip(family) + jump("remember", family)));
  }

  private static void chain(StringBuilder text, String name, String hook, String device) {
    text.append(
        "add chain netdev %s %s { type filter hook %s device \"%s\" priority 0; }\nflush chain netdev %s %s\n"
            .formatted(TABLE, name, hook, device, TABLE, name));
  }

  private static void rule(StringBuilder text, String chain, String rule) {
    text.append("add rule netdev %s %s %s\n".formatted(TABLE, chain, rule));
  }

  private static String jump(String next, IpFamily family) {
    return " jump " + next + terms(family).get("family");
  }
}
