// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.control.HostName;
import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import dev.culvert.datapath.ebpf.EbpfConfig;
import dev.culvert.datapath.ebpf.MapSizes;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import dev.culvert.kernel.bpf.BpfFileSystem;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/** Reads the configuration; src/main/config/culvert.yaml shows and explains every key. */
public final class ConfigFile {
  private static final Set<String> KEYS =
      Set.of(
          "host",
          "network",
          "subnetLength",
          "subnet",
          "network6",
          "subnetLength6",
          "subnet6",
          "vni",
          "port",
          "underlay",
          "datapath",
          "pathMtuLifetime",
          "directRouting",
          "decapsulation",
          "udpChecksum6",
          "sourcePorts",
          "maxSubnets",
          "maxEndpoints",
          "store",
          "leaseDuration",
          "bridges",
          "masquerade",
          "bpffs",
          "runDirectory",
          "stateDirectory",
          "stop");

  private static final Set<String> UNDERLAY_KEYS =
      Set.of("interface", "interfaces", "address", "matching", "network", "toward");

  // sockaddr_un.sun_path (linux/un.h) less the terminating zero.
  private static final int SOCKET_PATH_MAX_BYTES = 107;

  private ConfigFile() {}

  /**
   * @throws ConfigException when the file cannot be read or is wrong
   */
  public static AgentConfig load(Path file) {
    try {
      return parse(Files.readString(file), file.toString(), ConfigFile::machineName);
    } catch (NoSuchFileException e) {
      throw new ConfigException(
          "There is no configuration file " + file + "; name one with --config FILE.", e);
    } catch (CharacterCodingException e) {
      throw new ConfigException(file + " is not text in UTF-8; is it the right file?", e);
    } catch (IOException e) {
      throw new ConfigException(
          "Cannot read the configuration " + file + ": " + e.getMessage() + ".", e);
    }
  }

  /**
   * Reads the text of a file.
   *
   * @param file named in messages
   * @param machineName asked for when the file names no host
   */
  static AgentConfig parse(String text, String file, Supplier<String> machineName) {
    YamlNode.Mapping mapping =
        switch (YamlNode.parse(text, file)) {
          case YamlNode.Mapping root -> root;
          case YamlNode.Empty ignored -> new YamlNode.Mapping(Map.of(), 1);
          case YamlNode other ->
              throw new ConfigException(
                  file
                      + ", line "
                      + other.line()
                      + ": expected \"key: value\" lines, such as \"network: 10.244.0.0/16\".");
        };
    return read(new Section(file, "", mapping, KEYS), machineName);
  }

  private static AgentConfig read(Section root, Supplier<String> machineName) {
    Optional<HostName> named = root.value("host", HostName::new);
    AgentConfig config =
        new AgentConfig(
            named.isPresent() ? named.get() : checkedMachineName(root, machineName),
            Networks.read(root),
            root.value("vni", text -> new Vni(Values.whole(text, 1, Vni.MAX))).orElse(new Vni(1)),
            root.whole("port", Vtep.VXLAN_PORT, 1, 65535),
            underlay(root),
            root.value("datapath", Values::datapath).orElse(AgentConfig.Kind.EBPF),
            root.value("pathMtuLifetime", Values::pathMtuLifetime)
                .orElse(EbpfConfig.PATH_MTU_LIFETIME),
            root.value("directRouting", Values::flag).orElse(true),
            root.value("decapsulation", Values::decapsulation).orElse(Decapsulation.AUTO),
            root.value("udpChecksum6", Values::udpChecksum6).orElse(false),
            root.value("sourcePorts", Values::sourcePorts).orElse(SourcePorts.DYNAMIC),
            new MapSizes(
                root.whole("maxSubnets", MapSizes.DEFAULT.subnets(), 1, MapSizes.MAX),
                root.whole("maxEndpoints", MapSizes.DEFAULT.endpoints(), 1, MapSizes.MAX)),
            StoreConfig.read(root, root.whole("port", Vtep.VXLAN_PORT, 1, 65535)),
            root.value("leaseDuration", Values::leaseDuration)
                .orElse(OverlayConfig.DEFAULT_LEASE_DURATION),
            names(root, "bridges"),
            masquerade(root),
            root.value("bpffs", Values::absolutePath).orElse(BpfFileSystem.DEFAULT),
            root.value("runDirectory", Values::absolutePath).orElse(Path.of("/run/culvert")),
            root.value("stateDirectory", Values::absolutePath),
            root.value("stop", Values::stop).orElse(AgentConfig.Stop.KEEP),
            new AgentConfig.Follows(
                root.value("port", text -> text).isEmpty(),
                root.value("directRouting", text -> text).isEmpty()));
    checkSocketPath(root, config);
    return config;
  }

  /** Names, or one of the ways to choose. */
  private static UnderlayWish underlay(Section root) {
    String example = "interface: eth0";
    Section underlay =
        root.section("underlay", UNDERLAY_KEYS, example)
            .orElseThrow(() -> root.missing("underlay", "underlay: {interface: eth0}"));
    List<UnderlayWish> chosen =
        Stream.of(
                underlay.value("matching", ConfigFile::matching),
                underlay.value("network", text -> new UnderlayWish.Within(IpPrefix.parse(text))),
                underlay.value("toward", text -> new UnderlayWish.Toward(underlayAddress(text))))
            .<UnderlayWish>flatMap(Optional::stream)
            .toList();
    if (chosen.isEmpty()) {
      return new UnderlayWish.Named(
          new AgentConfig.Underlay(
              underlayInterfaces(root, underlay, example),
              underlay.value("address", ConfigFile::underlayAddress),
              Optional.empty()));
    }
    if (chosen.size() > 1 || underlay.has("interface", "interfaces", "address")) {
      throw root.problem(
          "underlay",
          "is chosen by interface or interfaces (with address), or by one of matching, network and"
              + " toward: keep one.");
    }
    return chosen.getFirst();
  }

  private static UnderlayWish matching(String text) {
    try {
      return new UnderlayWish.Matching(text);
    } catch (PatternSyntaxException e) {
      throw new RefusedException(
          "\"%s\" is no regular expression (%s); write one such as ens.*"
              .formatted(text, e.getDescription()),
          e);
    }
  }

  private static List<InterfaceName> underlayInterfaces(
      Section root, Section underlay, String example) {
    List<InterfaceName> interfaces = names(underlay, "interfaces");
    Optional<InterfaceName> one = underlay.value("interface", InterfaceName::new);
    if (one.isPresent() && !interfaces.isEmpty()) {
      throw root.problem("underlay", "has both interface and interfaces; keep one of the two.");
    }
    if (!interfaces.isEmpty()) {
      return interfaces;
    }
    return List.of(
        one.orElseGet(() -> underlay.required("interface", example, InterfaceName::new)));
  }

  private static InetAddress underlayAddress(String text) {
    InetAddress address = IpPrefix.parseAddress(text);
    if (address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isMulticastAddress()) {
      throw new RefusedException(
          text + " is not an address that other hosts can reach; write one of the interface's.");
    }
    return address;
  }

  /** Yes, no, or keys of its own, which mean yes. */
  private static Optional<Masquerade> masquerade(Section root) {
    if (!root.hasKeys("masquerade")) {
      return root.value("masquerade", Values::flag)
          .filter(wanted -> wanted)
          .map(_ -> Masquerade.ALL);
    }
    String example = "except: [192.168.0.0/16]";
    return root.section("masquerade", Set.of("except"), example)
        .map(section -> section.list("except", IpPrefix::parse))
        .map(Masquerade::new);
  }

  /** A list of interfaces' names, each once. */
  private static List<InterfaceName> names(Section section, String key) {
    List<InterfaceName> names = section.list(key, InterfaceName::new);
    if (Set.copyOf(names).size() < names.size()) {
      throw section.problem(key, "names one interface twice; remove one of the two.");
    }
    return names;
  }

  private static void checkSocketPath(Section root, AgentConfig config) {
    Path socket = config.runDirectory().resolve(config.host() + ".sock");
    if (socket.toString().length() > SOCKET_PATH_MAX_BYTES) {
      throw root.problem(
          "runDirectory",
          "the socket's path %s is longer than %d bytes; choose a shorter directory."
              .formatted(socket, SOCKET_PATH_MAX_BYTES));
    }
  }

  private static HostName checkedMachineName(Section root, Supplier<String> machineName) {
    String name = machineName.get();
    if (!HostName.isValid(name)) {
      throw root.problem(
          "host", "this machine's own name \"" + name + "\" will not do; set the key host.");
    }
    return new HostName(name);
  }

  private static String machineName() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unknown) {
        return "";
      }
    }
  }
}
