// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.OverlayConfig;
import dev.culvert.datapath.Decapsulation;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.Masquerade;
import dev.culvert.datapath.SourcePorts;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.ebpf.MapSizes;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.store.etcd.EtcdConfig;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
  private static final String LEAST =
      """
      network: 10.244.0.0/16
      underlay:
        interface: eth0
      store:
        directory: /var/lib/culvert/leases
      """;

  private static AgentConfig parse(String text) {
    return ConfigFile.parse(text, "culvert.yaml", () -> "machine.example");
  }

  private static AgentConfig.Underlay named(AgentConfig config) {
    return assertInstanceOf(UnderlayWish.Named.class, config.underlay()).underlay();
  }

  private static AgentConfig underlay(String words) {
    return parse(LEAST.replace("underlay:\n  interface: eth0\n", "underlay: {" + words + "}\n"));
  }

  @Test
  void theUnderlayMayBeChosen() {
    assertEquals(
        new UnderlayWish.Matching("ens.*|eth0"), underlay("matching: ens.*|eth0").underlay());
    assertEquals(
        new UnderlayWish.Within(IpPrefix.parse("10.17.0.0/16")),
        underlay("network: 10.17.0.0/16").underlay());
    assertEquals(
        new UnderlayWish.Toward(IpPrefix.parseAddress("2001:db8::1")),
        underlay("toward: \"2001:db8::1\"").underlay());
    assertEquals(
        underlay("matching: e.*"), underlay("matching: e.*")); // or each reload were a change
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "matching: \"ens[\"                     | underlay.matching: \"ens[\" is no regular expression (",
        "network: 10.17.2.2                   | underlay.network: ",
        "toward: router                       | underlay.toward: \"router\" is not an IP address.",
        "toward: 127.0.0.1                    | underlay.toward: 127.0.0.1 is not an address that other hosts can reach",
        "interface: eth0, network: 10.0.0.0/8 | underlay: is chosen by interface or interfaces (with address), or by one of",
        "address: 10.0.0.1, matching: e.*     | underlay: is chosen by interface or interfaces",
        "toward: 10.0.0.1, network: 10.0.0.0/8 | underlay: is chosen by interface or interfaces",
      })
  void saysWhatIsWrongWithAChoiceOfTheUnderlay(String words, String expected) {
    String message = assertThrows(ConfigException.class, () -> underlay(words)).getMessage();
    assertTrue(message.contains(expected), message);
  }

  private static String problem(String text) {
    String message = assertThrows(ConfigException.class, () -> parse(text)).getMessage();
    assertTrue(message.startsWith("culvert.yaml"), message);
    assertTrue(!message.contains("\n"), message);
    return message;
  }

  @Test
  void fillsInTheDocumentedDefaults() {
    AgentConfig config = parse(LEAST);

    assertEquals("machine.example", config.host().text());
    assertEquals(IpPrefix.parse("10.244.0.0/16"), config.networks().getFirst().prefix());
    assertEquals(24, config.networks().getFirst().subnetLength());
    assertEquals(Optional.empty(), config.networks().getFirst().subnet());
    assertEquals(new Vni(1), config.vni());
    assertEquals(4789, config.port());
    assertEquals(Optional.empty(), named(config).address());
    assertEquals(1, named(config).interfaces().size());
    assertEquals(Duration.ofMinutes(10), config.pathMtuLifetime());
    assertTrue(config.directRouting());
    assertEquals(Decapsulation.AUTO, config.decapsulation());
    assertEquals(AgentConfig.Kind.EBPF, config.datapath());
    assertEquals(new SourcePorts(49152, 65535), config.sourcePorts());
    assertEquals(new MapSizes(65_536, 16_384), config.mapSizes());
    assertEquals(Duration.ofHours(24), config.leaseDuration());
    assertEquals(List.of(), config.bridges());
    assertEquals(Optional.empty(), config.masquerade());
    assertEquals(Path.of("/sys/fs/bpf"), config.bpffs());
    assertEquals(Path.of("/run/culvert"), config.runDirectory());
    assertEquals(AgentConfig.Stop.KEEP, config.stop());
  }

  @Test
  void masqueradeIsYesNoOrHasExceptions() {
    assertEquals(Optional.empty(), parse(LEAST + "masquerade: false\n").masquerade());
    assertEquals(Optional.of(Masquerade.ALL), parse(LEAST + "masquerade: true\n").masquerade());
    assertEquals(Optional.of(Masquerade.ALL), parse(LEAST + "masquerade: {}\n").masquerade());
    assertEquals(
        Optional.of(
            new Masquerade(List.of(IpPrefix.parse("10.0.0.0/8"), IpPrefix.parse("fd00::/8")))),
        parse(LEAST + "masquerade: {except: [fd00::/8, 10.0.0.0/8]}\n").masquerade());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "masquerade: maybe                   | line 6: masquerade: \"maybe\" is neither true nor false.",
        "masquerade: [10.0.0.0/8]            | line 6: masquerade: is a list, but takes one value.",
        "masquerade:                         | line 6: masquerade: has no value",
        "masquerade: {except: 10.0.0.0/8}    | line 6: masquerade.except: must be a list",
        "masquerade: {except: [10.0.0.1/8]}  | line 6: masquerade.except: ",
        "masquerade: {exept: [10.0.0.0/8]}   | line 6: unknown key \"masquerade.exept\"; did you mean \"masquerade.except\"?",
      })
  void saysWhatIsWrongWithMasquerade(String line, String expected) {
    String message = problem(LEAST + line + "\n");
    assertTrue(message.contains(expected), message);
  }

  @Test
  void takesANetworkOfEachFamily() {
    AgentConfig config = parse(LEAST + "network6: fd00:244::/48\nsubnet6: fd00:244:0:7::/64\n");
    assertEquals(
        List.of(
            new OverlayConfig.Network(IpPrefix.parse("10.244.0.0/16"), 24, Optional.empty()),
            new OverlayConfig.Network(
                IpPrefix.parse("fd00:244::/48"),
                64,
                Optional.of(IpPrefix.parse("fd00:244:0:7::/64")))),
        config.networks());
    AgentConfig alone = parse(LEAST.replace("network: 10.244.0.0/16", "network6: fd00:244::/48"));
    assertEquals(
        List.of(new OverlayConfig.Network(IpPrefix.parse("fd00:244::/48"), 64, Optional.empty())),
        alone.networks());
    assertEquals(
        alone.networks(),
        parse(LEAST.replace("network: 10.244.0.0/16", "network: fd00:244::/48")).networks());
    assertTrue(parse(LEAST + "udpChecksum6: compute\n").udpChecksum6());
    assertFalse(parse(LEAST).udpChecksum6());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "network6: 10.245.0.0/16    | line 6: network6: 10.245.0.0/16 is IPv4; write it as network.",
        "network6: fd00::/127       | line 6: network6: fd00::/127 has no room",
        "subnetLength6: 64          | line 6: subnetLength6: belongs to a network6, but there is none",
        "udpChecksum6: yes          | line 6: udpChecksum6: \"yes\" is neither zero nor compute.",
        "network6: fd00:244::/48\\nsubnetLength6: 40 | line 7: subnetLength6: 40 is out of range; write a number from 48 to 126.",
        "network6: fd00:244::/48\\nsubnet6: fd00:245::/64 | line 7: subnet6: fd00:245::/64 is outside the network fd00:244::/48",
      })
  void saysWhatIsWrongWithAnIpv6Network(String lines, String expected) {
    String message = problem(LEAST + lines.replace("\\n", "\n") + "\n");
    assertTrue(message.contains(expected), message);
  }

  @Test
  void refusesTwoNetworksOfOneFamily() {
    String message =
        problem(
            LEAST.replace("network: 10.244.0.0/16", "network: fd00:244::/48")
                + "network6: fd00:245::/48\n");
    assertTrue(message.contains("line 1: network: is IPv6 too"), message);
  }

  @Test
  void takesEveryKey() {
    AgentConfig config =
        parse(
            """
            host: host-01
            network: 10.244.0.0/16
            subnetLength: 26
            subnet: 10.244.1.64/26
            vni: 16777215
            port: 8472
            underlay: {interfaces: [ens3, ens4], address: 10.17.2.2}
            pathMtuLifetime: 5m
            directRouting: false
            decapsulation: xdp
            datapath: userspace
            sourcePorts: 50000-50007
            maxSubnets: 200000
            maxEndpoints: 1000
            store: {directory: /tmp/leases}
            leaseDuration: 90s
            bridges: [br0, docker0]
            bpffs: /mnt/bpf
            runDirectory: /tmp/run
            stop: leave
            """);

    assertEquals("host-01", config.host().text());
    assertEquals(26, config.networks().getFirst().subnetLength());
    assertEquals(
        Optional.of(IpPrefix.parse("10.244.1.64/26")), config.networks().getFirst().subnet());
    assertEquals(new Vni(0xffffff), config.vni());
    assertEquals(8472, config.port());
    assertEquals(new InterfaceName("ens3"), named(config).interfaceName());
    assertEquals(
        Stream.of("ens3", "ens4").map(InterfaceName::new).toList(), named(config).interfaces());
    assertEquals(Duration.ofMinutes(5), config.pathMtuLifetime());
    assertEquals(Optional.of(IpPrefix.parseAddress("10.17.2.2")), named(config).address());
    assertEquals(false, config.directRouting());
    assertEquals(Decapsulation.XDP, config.decapsulation());
    assertEquals(AgentConfig.Kind.USERSPACE, config.datapath());
    assertEquals(new SourcePorts(50000, 50007), config.sourcePorts());
    assertEquals(new MapSizes(200_000, 1000), config.mapSizes());
    assertEquals(new StoreConfig.Directory(Path.of("/tmp/leases"), 8472), config.store());
    assertEquals(Duration.ofSeconds(90), config.leaseDuration());
    assertEquals(Stream.of("br0", "docker0").map(InterfaceName::new).toList(), config.bridges());
    assertEquals(AgentConfig.Stop.LEAVE, config.stop());
  }

  @Test
  void theExampleIsGood() {
    AgentConfig config = ConfigFile.load(Path.of("src/main/config/culvert.yaml"));

    assertEquals("host-01", config.host().text());
    assertEquals(
        new StoreConfig.Directory(Path.of("/var/lib/culvert/leases"), 4789), config.store());
  }

  private static AgentConfig withStore(String lines) {
    String text = "host: a\nnetwork: 10.244.0.0/16\nunderlay: {interface: eth0}\nstore: " + lines;
    return ConfigFile.parse(text, "test.yaml", () -> "unused");
  }

  @Test
  void anEtcdIsAStore() {
    assertEquals(
        new StoreConfig.Etcd(
            new EtcdConfig(
                List.of(URI.create("https://10.0.0.5:2379"), URI.create("http://[fd00::5]:2379")),
                "/net/culvert",
                new EtcdConfig.Tls(
                    Optional.of(Path.of("/ca.pem")),
                    Optional.of(Path.of("/host.pem")),
                    Optional.of(Path.of("/host.key"))),
                Optional.of(new EtcdConfig.Login("culvert", Path.of("/password"))),
                4789)),
        withStore(
                """
                {etcd: {
                  endpoints: ["https://10.0.0.5:2379", "http://[fd00::5]:2379"],
                  prefix: /net/culvert,
                  caFile: /ca.pem, certFile: /host.pem, keyFile: /host.key,
                  user: culvert, passwordFile: /password}}
                """)
            .store());
    assertEquals(
        new StoreConfig.Etcd(EtcdConfig.plain(List.of(URI.create("http://10.0.0.5:2379")))),
        withStore("{etcd: {endpoints: [\"http://10.0.0.5:2379\"]}}\n").store());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{etcd: {prefix: /a}} | the key \"store.etcd.endpoints\" is missing",
        "{etcd: {endpoints: [10.0.0.5]}} | \"10.0.0.5\" is no endpoint of etcd",
        "{etcd: {endpoints: [http://a:1/x]}} | \"http://a:1/x\" is no endpoint of etcd",
        "{etcd: {endpoints: [http://a:1], prefix: a}} | The prefix \"a\" will not do",
        "{etcd: {endpoints: [http://a:1], prefix: /a/}} | The prefix \"/a/\" will not do",
        "{etcd: {endpoints: [http://a:1], user: u}} | user and passwordFile come together",
        "{etcd: {endpoints: [http://a:1], certFile: /c}} | needs its key",
        "{etcd: {endpoint: [http://a:1]}} | did you mean \"store.etcd.endpoints\"",
        "{directory: /a, etcd: {endpoints: [http://a:1]}} | has both directory and etcd",
      })
  void whatIsWrongWithAnEtcdIsSaid(String lines, String said) {
    var e = assertThrows(ConfigException.class, () -> withStore(lines + "\n"));
    assertTrue(e.getMessage().contains(said), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "subnetlength, subnetLength",
    "subnetLenght, subnetLength",
    "Host, host",
    "interface, underlay",
    "brigde, bridges",
    "directrouting, directRouting",
  })
  void namesTheNearestKnownKeyAndTheLine(String wrong, String right) {
    String message = problem(LEAST + wrong + ": x\n");

    if (!right.equals("underlay")) {
      assertEquals(
          "culvert.yaml, line 6: unknown key \"" + wrong + "\"; did you mean \"" + right + "\"?",
          message);
    } else {
      assertTrue(message.startsWith("culvert.yaml, line 6: unknown key \"interface\"; did you"));
    }
  }

  @Test
  void namesTheNearestKeyOfTheSameSection() {
    assertEquals(
        "culvert.yaml, line 3: unknown key \"underlay.adress\"; did you mean \"underlay.address\"?",
        problem("network: 10.244.0.0/16\nunderlay:\n  adress: 10.17.2.2\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "host: a b                | line 6: host: \"a b\" cannot be a host's name",
        "host: ../x               | line 6: host: \"../x\" cannot be a host's name",
        "host: [a]                | line 6: host: is a list, but takes one value.",
        "host: {a: b}             | line 6: host: has keys below it, but takes one value.",
        "host:                    | line 6: host: has no value",
        "subnetLength: big        | line 6: subnetLength: \"big\" is not a whole number",
        "subnetLength: 31         | line 6: subnetLength: 31 is out of range; write a number from 16 to 30.",
        "subnetLength: 8          | line 6: subnetLength: 8 is out of range",
        "subnet: 10.245.1.0/24    | line 6: subnet: 10.245.1.0/24 is outside the network 10.244.0.0/16",
        "subnet: 10.244.1.0/25    | line 6: subnet: 10.244.1.0/25 has length 25, but subnetLength is 24",
        "subnet: 10.244.1.1/24    | line 6: subnet: 10.244.1.1/24 has bits set behind the prefix; did you mean 10.244.1.0/24?",
        "vni: 0                   | line 6: vni: 0 is out of range",
        "vni: 16777216            | line 6: vni: 16777216 is out of range",
        "port: 65536              | line 6: port: 65536 is out of range",
        "port: 4789x              | line 6: port: \"4789x\" is not a whole number",
        "directRouting: maybe     | line 6: directRouting: \"maybe\" is neither true nor false.",
        "sourcePorts: 5-4         | line 6: sourcePorts: the range 5-4 ends before it begins",
        "sourcePorts: 49152       | line 6: sourcePorts: \"49152\" is not a range of ports",
        "sourcePorts: 1-65536     | line 6: sourcePorts: 65536 is out of range",
        "leaseDuration: 24        | line 6: leaseDuration: \"24\" is not a duration",
        "leaseDuration: 0h        | line 6: leaseDuration: 0h is out of range; write a duration from 10s to 3650d",
        "pathMtuLifetime: 0s      | line 6: pathMtuLifetime: 0s is out of range; write a duration from 1s to 1d, such as 10m.",
        "bridges: br0             | line 6: bridges: must be a list",
        "bridges: [br0, br0]      | line 6: bridges: names one interface twice",
        "bridges: [a-name-too-long-for-linux] | line 6: bridges: \"a-name-too-long-for-linux\" cannot be an interface's name",
        "bpffs: sys/fs/bpf        | line 6: bpffs: \"sys/fs/bpf\" is not an absolute path",
        "stop: never              | line 6: stop: \"never\" is neither keep nor leave.",
        "datapath: kernel         | line 6: datapath: \"kernel\" is neither ebpf nor userspace.",
        "decapsulation: nic       | line 6: decapsulation: \"nic\" is neither auto, tc nor xdp.",
        "network: 10.0.0.0/8      | line 6: the key \"network\" stands in line 1 already",
        "host: \"unclosed         | line ",
        "--- more                 | line 6: a second document begins here",
      })
  void saysWhatIsWrongAndWhere(String line, String expected) {
    String message = problem(LEAST + line + "\n");

    assertTrue(message.startsWith("culvert.yaml, " + expected), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "network: 10.244.0.0/16\\nunderlay: eth0 | , line 2: underlay: holds keys of its own",
        "network: 10.244.0.0/16\\nunderlay: {address: 10.0.0.1} | : the key \"underlay.interface\" is missing",
        "network: 10.244.0.0/16\\nunderlay: {interface: eth0, address: 127.0.0.1} | , line 2: underlay.address: 127.0.0.1 is not an address that other hosts can reach",
        "network: 10.244.0.0/16\\nunderlay: {interface: eth0, address: eth0} | , line 2: underlay.address: \"eth0\" is not an IP address.",
        "network: 10.244.0.0/16\\nunderlay: {interface: eth0} | : the key \"store\" is missing",
        "network: 10.244.0.0/16 | : the key \"underlay\" is missing",
        "network: 10.244.0.0 | , line 1: network: \"10.244.0.0\" is not a prefix",
        "network: 10.244.1.0/31 | : network: 10.244.1.0/31 has no room",
        "'' | : the key \"network\" is missing; add one, such as \"network: 10.244.0.0/16\".",
        "just words | , line 1: expected \"key: value\" lines",
      })
  void saysWhatIsMissing(String text, String expected) {
    String message = problem(text.replace("\\n", "\n"));

    assertTrue(
        message.startsWith("culvert.yaml" + expected)
            || message.startsWith("culvert.yaml, line 1" + expected),
        message);
  }

  @Test
  void refusesASocketPathThatTheKernelCannotHold() {
    String message = problem(LEAST + "runDirectory: /" + "x".repeat(100) + "\n");

    assertTrue(message.contains("longer than 107 bytes"), message);
  }

  @Test
  void refusesAMachineNameThatWillNotDo() {
    ConfigException e =
        assertThrows(
            ConfigException.class, () -> ConfigFile.parse(LEAST, "culvert.yaml", () -> "(none)"));

    assertEquals(
        "culvert.yaml: host: this machine's own name \"(none)\" will not do; set the key host.",
        e.getMessage());
  }

  @Test
  void saysWhichFileIsNotThereOrNoText(@TempDir Path folder) throws Exception {
    Path absent = folder.resolve("absent.yaml");
    Path binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});

    assertEquals(
        "There is no configuration file " + absent + "; name one with --config FILE.",
        assertThrows(ConfigException.class, () -> ConfigFile.load(absent)).getMessage());
    assertTrue(
        assertThrows(ConfigException.class, () -> ConfigFile.load(binary))
            .getMessage()
            .contains("is not text in UTF-8"));
    assertTrue(
        assertThrows(ConfigException.class, () -> ConfigFile.load(folder))
            .getMessage()
            .startsWith("Cannot read the configuration " + folder));
  }
}
