// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import dev.culvert.agent.output.Views;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Counter;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.Gateway;
import dev.culvert.datapath.Identity;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Verdict;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.DatapathSnapshot;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.IpAddresses;
import dev.culvert.kernel.RefusedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The tables of an agent that carries packets itself, on their way over the control socket: the
 * same JSON objects that the showing commands print.
 */
public final class TablesView {
  private TablesView() {}

  static Map<String, Object> write(DatapathSnapshot tables) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("identity", tables.identity().map(TablesView::identity));
    view.put("locals", tables.state().locals().stream().map(Views::local).toList());
    view.put("remotes", tables.state().remotes().stream().map(Views::remote).toList());
    view.put("endpoints", tables.state().endpoints().stream().map(Views::endpoint).toList());
    List<Map<String, Object>> counters = new ArrayList<>();
    tables.counters().forEach((verdict, count) -> counters.add(Views.counter(verdict, count)));
    view.put("counters", counters);
    return view;
  }

  private static Map<String, Object> identity(Identity identity) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("vni", identity.vni().value());
    view.put("vtep", Views.vtep(identity.vtep()));
    view.put("gateways", identity.gateways().stream().map(TablesView::gateway).toList());
    view.put("underlay", identity.underlay().text());
    return view;
  }

  private static Map<String, Object> gateway(Gateway gateway) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("address", IpAddresses.text(gateway.address()));
    view.put("network", gateway.network().toString());
    return view;
  }

  /**
   * Reads an agent's answer.
   *
   * @throws IllegalArgumentException for anything else
   */
  public static DatapathSnapshot read(Map<String, Object> answer) {
    Optional<Identity> identity =
        answer.get("identity") == null
            ? Optional.empty()
            : Optional.of(readIdentity(new Fields(answer.get("identity"))));
    Datapath.State state =
        new Datapath.State(
            identity.map(own -> remotes(answer, own.vtep())).orElse(List.of()),
            objects(answer, "locals").stream().map(TablesView::local).toList(),
            objects(answer, "endpoints").stream().map(TablesView::endpoint).toList());
    Map<Verdict, Counter> counters = new EnumMap<>(Verdict.class);
    for (Fields counter : objects(answer, "counters")) {
      counters.put(
          Verdict.valueOf(counter.text("verdict")),
          new Counter(counter.number("packets"), counter.number("bytes")));
    }
    return DatapathSnapshot.ofProcess(identity, state, counters);
  }

  private static List<RemoteSubnet> remotes(Map<String, Object> answer, Vtep own) {
    return objects(answer, "remotes").stream()
        .map(remote ->
            new RemoteSubnet(
                subnet(remote),
                own,
                vtep(remote.inner("vtep")),
                remote.has("nextHop")
                    ? Optional.of(nextHop(remote.inner("nextHop")))
                    : Optional.empty(),
                remote.text("way").equals("direct")))
        .toList();
  }

  private static List<Fields> objects(Map<String, Object> answer, String key) {
    return new Fields(answer).list(key).stream().map(Fields::new).toList();
  }

  private static Identity readIdentity(Fields fields) {
    return new Identity(
        new Vni((int) fields.number("vni")),
        vtep(fields.inner("vtep")),
        fields.list("gateways").stream().map(Fields::new).map(TablesView::readGateway).toList(),
        new InterfaceName(fields.text("underlay")));
  }

  private static Gateway readGateway(Fields fields) {
    return new Gateway(
        IpPrefix.parseAddress(fields.text("address")), IpPrefix.parse(fields.text("network")));
  }

  private static Subnet subnet(Fields fields) {
    return new Subnet(new Vni((int) fields.number("vni")), IpPrefix.parse(fields.text("subnet")));
  }

  private static Vtep vtep(Fields fields) {
    return new Vtep(
        IpPrefix.parseAddress(fields.text("address")),
        (int) fields.number("port"),
        MacAddress.parse(fields.text("mac")));
  }

  private static NextHop nextHop(Fields fields) {
    return new NextHop(
        (int) fields.number("interfaceIndex"),
        IpPrefix.parseAddress(fields.text("source")),
        IpPrefix.parseAddress(fields.text("gateway")),
        (int) fields.number("mtuBytes"),
        fields.flag("onLink"));
  }

  private static LocalSubnet local(Fields fields) {
    return new LocalSubnet(
        subnet(fields), fields.has("bridgeIndex") ? (int) fields.number("bridgeIndex") : 0);
  }

  private static Endpoint endpoint(Fields fields) {
    return new Endpoint(
            new Vni((int) fields.number("vni")),
            fields.list("addresses").stream()
                .map(address -> IpPrefix.parseAddress(String.valueOf(address)))
                .toList(),
            MacAddress.parse(fields.text("mac")),
            new Endpoint.HostEnd(
                (int) fields.number("interfaceIndex"),
                MacAddress.parse(fields.text("hostMac")),
                fields.flag("peer")))
        .withContainer(fields.has("netns") ? Optional.of(container(fields)) : Optional.empty());
  }

  private static ContainerEnd container(Fields fields) {
    return new ContainerEnd(
        Path.of(fields.text("netns")),
        new InterfaceName(fields.text("interface")),
        fields.has("label")
            ? Optional.of(new ContainerLabel(fields.text("label")))
            : Optional.empty());
  }

  /** One JSON object, whose fields must be there. */
  private record Fields(Object object) {
    private static final String OTHER_VERSION = "; are agent and command of the same version?";

    private Object get(String key) {
      if (object instanceof Map<?, ?> map) {
        return map.get(key);
      }
      throw new RefusedException(
          "The agent's answer has " + object + " for an object" + OTHER_VERSION);
    }

    boolean has(String key) {
      return get(key) != null;
    }

    Fields inner(String key) {
      return new Fields(get(key));
    }

    String text(String key) {
      return String.valueOf(get(key));
    }

    List<?> list(String key) {
      if (get(key) instanceof List<?> list) {
        return list;
      }
      throw new RefusedException("The agent's answer has no list \"" + key + "\"" + OTHER_VERSION);
    }

    boolean flag(String key) {
      return Boolean.TRUE.equals(get(key));
    }

    long number(String key) {
      if (get(key) instanceof Number number) {
        return number.longValue();
      }
      throw new RefusedException(
          "The agent's answer has no number \"" + key + "\"" + OTHER_VERSION);
    }
  }
}
