// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.FakeOverlay;
import dev.culvert.control.OverlayStatus;
import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.datapath.Endpoint;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.datapath.Vni;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What runtimes are answered, on an overlay that does as it is told. */
class PluginTest {
  @TempDir private Path run;
  private final FakeOverlay overlay = new FakeOverlay();
  private final FakeKernel kernel = new FakeKernel();
  private Attachments attachments;
  private Plugin plugin;

  @BeforeEach
  void build() {
    attachments = new Attachments(run.resolve("host-01.sock"));
    plugin = new Plugin(overlay, kernel, attachments);
    kernel.hostEnds.put(7, new Kernel.HostEnd("cv0af401021", 1450));
    kernel.sandboxes.put(
        "/run/netns/web eth0",
        new Sandbox(
            MacAddress.parse("02:00:00:00:00:01"),
            1450,
            true,
            7,
            List.of(IpPrefix.parseAddress("10.244.1.2")),
            List.of(
                new Sandbox.Route(
                    IpPrefix.parse("0.0.0.0/0"), IpPrefix.parseAddress("10.244.1.1")))));
  }

  private Map<String, Object> call(String command, String version, String members) {
    Map<String, String> environment = new HashMap<>();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", "web");
    environment.put("CNI_NETNS", "/run/netns/web");
    environment.put("CNI_IFNAME", "eth0");
    return plugin.answer(
        environment,
        ("{'cniVersion':'" + version + "','name':'pods'" + members + "}").replace('\'', '"'));
  }

  /** The error's code; 0 where there is none. */
  private static int code(Map<String, Object> answer) {
    return answer.get("result") instanceof Map<?, ?> result && result.containsKey("code")
        ? (Integer) result.get("code")
        : 0;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "0.3.1 | 'version':'4', | ''",
        "0.4.0 | 'version':'4', | ''",
        "1.0.0 | '' | ''",
        "1.1.0 | '' | 'mtu':1450,",
      })
  void theResultIsThatOfTheConfigurationsVersion(String version, String family, String mtu) {
    // Member by member as the specification's section 5 has them, and those of its versions before.
    String expected =
        ("{'cniVersion':'VERSION','interfaces':["
                + "{'name':'cv0af401021','mac':'02:00:00:00:00:02',MTU},"
                + "{'name':'eth0','mac':'02:00:00:00:00:01',MTU'sandbox':'/run/netns/web'}],"
                + "'ips':[{FAMILY'interface':1,'address':'10.244.1.2/32','gateway':'10.244.1.1'}],"
                + "'routes':[{'dst':'0.0.0.0/0','gw':'10.244.1.1'}],'dns':{}}")
            .replace("VERSION", version)
            .replace("FAMILY", family.equals("''") ? "" : family)
            .replace("MTU", mtu.equals("''") ? "" : mtu)
            .replace(",}", "}")
            .replace('\'', '"');
    assertEquals(expected, Json.line(call("ADD", version, "").get("result")));
    assertEquals(
        Set.of("pods@web@eth0"),
        Set.copyOf(attachments.all().stream().map(AttachmentName::fileName).toList()));
  }

  @Test
  void verbsThatCameLaterAreRefusedOfEarlierVersions() {
    assertEquals(1, code(call("CHECK", "0.3.1", "")));
    assertEquals(7, code(call("CHECK", "0.4.0", "")), "there is no prevResult");
    assertEquals(1, code(call("GC", "1.0.0", "")));
    assertEquals(1, code(call("STATUS", "1.0.0", "")));
    assertEquals(0, code(call("STATUS", "1.1.0", "")));
    assertEquals(0, code(call("DEL", "0.3.1", "")));
  }

  @Test
  void refusalsHaveTheNumbersThatRuntimesKnowAndLeaveNoNote() {
    Map<RuntimeException, Integer> numbers =
        Map.of(
            new NoSuchContainerException("gone"), 3,
            new TakenException("taken"), 101,
            new PoolExhaustedException("full"), 11,
            new RefusedException("no"), 103);
    numbers.forEach((why, number) -> {
      FakeOverlay refusing =
          new FakeOverlay() {
            @Override
            public Endpoint attach(ContainerEnd container, List<InetAddress> wanted) {
              throw why;
            }
          };
      plugin = new Plugin(refusing, kernel, attachments);
      Map<String, Object> answer = call("ADD", "1.0.0", "");
      assertEquals(number, code(answer), why::toString);
      assertEquals(false, answer.get("ok"));
      assertEquals(Set.of(), attachments.all());
    });
  }

  @Test
  void whatVanishesAtOnceLeavesNothing() {
    kernel.sandboxes.clear();
    assertEquals(3, code(call("ADD", "1.0.0", "")));
    assertEquals(Set.of(), attachments.all());
  }

  /** Its interface went with its namespace while it was asked to be deleted. */
  @Test
  void deletingSucceedsForAContainerThatEndsMeanwhile() {
    attachments.add(AttachmentName.parse("pods@web@eth0").orElseThrow());
    FakeOverlay ending = new EndingOverlay(true);
    plugin = new Plugin(ending, kernel, attachments);
    assertEquals(0, code(call("DEL", "1.0.0", "")));
    assertEquals(Set.of(), attachments.all());
    assertEquals(List.of("status", "detach 10.244.1.2", "status"), ending.asked);
  }

  @Test
  void deletingFailsWhereTheContainerStays() {
    attachments.add(AttachmentName.parse("pods@web@eth0").orElseThrow());
    plugin = new Plugin(new EndingOverlay(false), kernel, attachments);
    assertEquals(103, code(call("DEL", "1.0.0", "")));
    assertEquals(1, attachments.all().size());
  }

  /** One container, which nobody can detach; perhaps it ends by itself when somebody tries. */
  private static final class EndingOverlay extends FakeOverlay {
    private final boolean ends;
    private boolean ended;

    private EndingOverlay(boolean ends) {
      this.ends = ends;
    }

    @Override
    public OverlayStatus status() {
      OverlayStatus none = super.status();
      Endpoint web =
          new Endpoint(
                  new Vni(1),
                  IpPrefix.parseAddress("10.244.1.2"),
                  MacAddress.parse("02:00:00:00:00:01"),
                  new Endpoint.HostEnd(7, MacAddress.parse("02:00:00:00:00:02"), true))
              .withContainer(
                  Optional.of(
                      new ContainerEnd(
                          Path.of("/run/netns/web"),
                          new InterfaceName("eth0"),
                          Optional.of(new ContainerLabel("web")))));
      return new OverlayStatus(
          none.leases(),
          none.fenced(),
          none.remotes(),
          ended ? List.of() : List.of(web),
          true,
          12,
          List.of(),
          List.of());
    }

    @Override
    public List<InetAddress> detach(InetAddress address) {
      List<InetAddress> _ = super.detach(address);
      ended = ends;
      throw new RefusedException("No container of this host has that address.");
    }
  }

  @Test
  void collectingGoesOnWithoutThoseThatLive() {
    for (String name : List.of("pods@a@eth0", "pods@b@eth0", "batch@c@eth0")) {
      attachments.add(AttachmentName.parse(name).orElseThrow());
    }
    assertEquals(
        0,
        code(
            call(
                "GC",
                "1.1.0",
                ",'cni.dev/valid-attachments':[{'containerID':'b','ifname':'eth0'}]")));
    assertEquals(
        Set.of("pods@b@eth0", "batch@c@eth0"),
        Set.copyOf(attachments.all().stream().map(AttachmentName::fileName).toList()));
  }
}
