// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.output;

import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.trace.Explainer.Question;
import dev.culvert.datapath.trace.Explanation;
import dev.culvert.datapath.trace.PacketHeaders;
import dev.culvert.datapath.trace.ProbePacket;
import dev.culvert.datapath.trace.Whereabouts;
import dev.culvert.kernel.IpAddresses;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * An answer of "explain" for people and as JSON.
 *
 * @param interfaceName by index
 */
public record ExplanationView(
    Question question, Explanation answer, IntFunction<String> interfaceName) {
  private static final int BYTES_PER_LINE = 16;

  /** Labelled lines. */
  public String text() {
    StringBuilder out = new StringBuilder();
    ProbePacket packet = question.packet();
    line(
        out,
        "packet",
        "%s > %s, %s, %d bytes, network (VNI) %s"
            .formatted(
                IpAddresses.text(packet.source()),
                IpAddresses.text(packet.destination()),
                protocol(packet),
                packet.sizeBytes(),
                answer.network()));
    line(out, "enters", answer.program() + " on " + answer.interfaceName() + entersIn());
    line(out, "source", where(answer.source()));
    line(out, "dest", where(answer.destination()));
    if (answer.destination() instanceof Whereabouts.Remote(RemoteSubnet remote)) {
      line(out, "way", way(remote));
    }
    line(out, "verdict", answer.verdict() + ": " + answer.verdict().meaning());
    header(out);
    nextHop().ifPresent(next -> line(out, "next", next));
    return out.toString();
  }

  private static String protocol(ProbePacket packet) {
    return packet.protocol() == ProbePacket.Protocol.ICMP
        ? "ICMP echo"
        : packet.protocol() + " port " + packet.port();
  }

  private String entersIn() {
    return answer.before().tunnel().map(tunnel -> ", in " + describe(tunnel)).orElse("");
  }

  private static String describe(PacketHeaders.Tunnel tunnel) {
    return "%s > %s, UDP %d > %d, VXLAN VNI %d"
        .formatted(
            IpAddresses.text(tunnel.outer().source()),
            IpAddresses.text(tunnel.outer().destination()),
            tunnel.outer().sourcePort().orElse(0),
            tunnel.outer().destinationPort().orElse(0),
            tunnel.vni());
  }

  private String where(Whereabouts where) {
    return switch (where) {
      case Whereabouts.Container(var endpoint) ->
          "a container of this host, behind %s, MAC %s"
              .formatted(interfaceName.apply(endpoint.interfaceIndex()), endpoint.mac());
      case Whereabouts.Host() -> "this host itself";
      case Whereabouts.OwnSubnet(var local) when local.bridgeIndex() != 0 ->
          "subnet %s of this host, behind bridge %s"
              .formatted(local.subnet().prefix(), interfaceName.apply(local.bridgeIndex()));
      case Whereabouts.OwnSubnet(var local) ->
          "subnet %s of this host, where no container has it".formatted(local.subnet().prefix());
      case Whereabouts.Remote(var remote) ->
          "subnet %s of the host with VTEP %s".formatted(remote.subnet().prefix(), remote.remote());
      case Whereabouts.Outside() -> "in no subnet of this network";
    };
  }

  private String way(RemoteSubnet remote) {
    return remote
        .nextHop()
        .map(hop ->
            "%s, inner MTU %d bytes, next hop %s on %s"
                .formatted(
                    Views.way(remote),
                    remote.innerMtuBytes().orElseThrow(),
                    IpAddresses.text(hop.gateway()),
                    interfaceName.apply(hop.interfaceIndex())))
        .orElse("none: there is no route to the VTEP at present");
  }

  private void header(StringBuilder out) {
    byte[] header = answer.headerBytes();
    if (header.length == 0) {
      return;
    }
    line(
        out,
        "header",
        answer
            .after()
            .flatMap(PacketHeaders::tunnel)
            .map(tunnel -> header.length + " bytes: " + describe(tunnel))
            .orElse(header.length + " bytes: Ethernet"));
    HexFormat hex = HexFormat.ofDelimiter(" ");
    for (int at = 0; at < header.length; at += BYTES_PER_LINE) {
      int end = Math.min(at + BYTES_PER_LINE, header.length);
      line(out, "", "%04x  %s".formatted(at, hex.formatHex(header, at, end)));
    }
  }

  /** Who gets the packet next. */
  private Optional<String> nextHop() {
    return switch (answer.verdict()) {
      case ENCAPSULATED, ROUTED_DIRECTLY ->
          remoteHop()
              .map(hop ->
                  "%s on %s"
                      .formatted(
                          IpAddresses.text(hop.gateway()),
                          interfaceName.apply(hop.interfaceIndex())));
      case DELIVERED_LOCALLY, DECAPSULATED, RECEIVED_DIRECTLY ->
          Optional.of(
              switch (answer.destination()) {
                case Whereabouts.Container(var endpoint) ->
                    "the container, through " + interfaceName.apply(endpoint.interfaceIndex());
                case Whereabouts.OwnSubnet(var local) ->
                    "the bridge " + interfaceName.apply(local.bridgeIndex());
                default -> "this host";
              });
      case PASSED -> Optional.of("this host's own routing");
      case SLOW_PATH -> Optional.of("this host's own routing, then its device culvert0");
      default -> Optional.empty();
    };
  }

  private Optional<NextHop> remoteHop() {
    return answer.destination() instanceof Whereabouts.Remote(RemoteSubnet remote)
        ? remote.nextHop()
        : Optional.empty();
  }

  private static void line(StringBuilder out, String label, String value) {
    out.append("%-8s %s%n".formatted(label, value));
  }

  /** The JSON form. */
  public Map<String, Object> view() {
    Map<String, Object> view = new LinkedHashMap<>();
    ProbePacket packet = question.packet();
    Map<String, Object> asked = new LinkedHashMap<>();
    asked.put("source", IpAddresses.text(packet.source()));
    asked.put("destination", IpAddresses.text(packet.destination()));
    asked.put("protocol", packet.protocol().name());
    asked.put("port", packet.protocol() == ProbePacket.Protocol.ICMP ? null : packet.port());
    asked.put("sizeBytes", packet.sizeBytes());
    asked.put("sender", question.sender().map(IpAddresses::text));
    view.put("packet", asked);
    view.put("vni", answer.network().value());
    view.put("program", answer.program());
    view.put("interface", answer.interfaceName());
    view.put("source", view(answer.source()));
    view.put("destination", view(answer.destination()));
    view.put("verdict", answer.verdict().name());
    view.put("drop", answer.verdict().isDrop());
    view.put("meaning", answer.verdict().meaning());
    view.put("header", HexFormat.of().formatHex(answer.headerBytes()));
    view.put(
        "outer",
        answer
            .after()
            .flatMap(PacketHeaders::tunnel)
            .map(tunnel -> TraceView.view(tunnel.outer())));
    view.put("next", nextHop());
    return view;
  }

  private static Map<String, Object> view(Whereabouts where) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put(
        "is",
        switch (where) {
          case Whereabouts.Container _ -> "container";
          case Whereabouts.Host _ -> "host";
          case Whereabouts.OwnSubnet _ -> "local";
          case Whereabouts.Remote _ -> "remote";
          case Whereabouts.Outside _ -> "outside";
        });
    view.put(
        "endpoint",
        where instanceof Whereabouts.Container(var endpoint) ? Views.endpoint(endpoint) : null);
    view.put(
        "subnet",
        switch (where) {
          case Whereabouts.OwnSubnet(var local) -> Views.local(local);
          case Whereabouts.Remote(var remote) -> Views.remote(remote);
          default -> null;
        });
    return view;
  }
}
