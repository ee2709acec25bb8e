// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import dev.culvert.datapath.trace.PacketHeaders;
import dev.culvert.datapath.trace.PacketHeaders.Ip;
import dev.culvert.datapath.trace.TraceEvent;
import dev.culvert.kernel.IpAddresses;
import java.net.InetAddress;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One traced packet for people and as JSON.
 *
 * @param time of the verdict
 * @param interfaceName of the program's interface
 * @param vtep whose packet it was, where its outer headers are gone already
 */
public record TraceView(
    TraceEvent event, Instant time, String interfaceName, Optional<InetAddress> vtep) {
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSS");
  private static final int VERDICT_WIDTH = 21; // "DROPPED_UNKNOWN_VNI" and most others fit

  /** One line, without its end. */
  public String text(ZoneId zone) {
    StringBuilder out = new StringBuilder(CLOCK.format(time.atZone(zone)));
    out.append("  %-*s".replace("*", Integer.toString(VERDICT_WIDTH)).formatted(event.verdict()));
    out.append("  ").append(event.program()).append(" on ").append(interfaceName);
    event.vni().ifPresent(vni -> out.append("  VNI ").append(vni));
    out.append("  ").append(event.headers().ip().map(TraceView::text).orElseGet(this::noIp));
    out.append(", ").append(event.lengthBytes()).append(" bytes");
    event
        .headers()
        .tunnel()
        .ifPresent(tunnel -> out.append(", in ").append(addresses(tunnel.outer())));
    from().ifPresent(source -> out.append(", from ").append(IpAddresses.text(source)));
    return out.toString();
  }

  /** The sender on the underlay, where no outer header tells it. */
  private Optional<InetAddress> from() {
    return event
        .outerSource()
        .or(() -> event.headers().tunnel().isPresent() ? Optional.empty() : vtep);
  }

  private String noIp() {
    int etherType = event.headers().etherType();
    return switch (etherType) {
      case 0x0806 -> "ARP";
      default ->
          event.headers().tunnel().isPresent()
              ? "no IP inside"
              : "no readable IP (EtherType 0x%04x)".formatted(etherType);
    };
  }

  private static String text(Ip ip) {
    return addresses(ip) + " " + ip.protocolName() + (ip.fragment() ? " fragment" : "");
  }

  private static String addresses(Ip ip) {
    return end(ip.source(), ip.sourcePort()) + " > " + end(ip.destination(), ip.destinationPort());
  }

  private static String end(InetAddress address, OptionalInt port) {
    return port.isEmpty()
        ? IpAddresses.text(address)
        : IpAddresses.withPort(address, port.getAsInt());
  }

  /** The JSON form. */
  public Map<String, Object> view() {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("time", time.toString());
    view.put("verdict", event.verdict().name());
    view.put("drop", event.verdict().isDrop());
    view.put("program", event.program());
    view.put("interface", interfaceName);
    view.put("interfaceIndex", event.interfaceIndex());
    view.put("lengthBytes", event.lengthBytes());
    view.put("vni", event.vni().map(vni -> vni.value()));
    view.put("inner", event.headers().ip().map(TraceView::view));
    view.put(
        "outer", event.headers().tunnel().map(PacketHeaders.Tunnel::outer).map(TraceView::view));
    view.put("from", from().map(IpAddresses::text));
    return view;
  }

  /** One IP header. */
  static Map<String, Object> view(Ip ip) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("source", IpAddresses.text(ip.source()));
    view.put("destination", IpAddresses.text(ip.destination()));
    view.put("protocol", ip.protocolName());
    view.put("sourcePort", port(ip.sourcePort()));
    view.put("destinationPort", port(ip.destinationPort()));
    view.put("hops", ip.hops());
    view.put("fragment", ip.fragment());
    return view;
  }

  private static Integer port(OptionalInt port) {
    return port.isPresent() ? (Integer) port.getAsInt() : null;
  }
}
