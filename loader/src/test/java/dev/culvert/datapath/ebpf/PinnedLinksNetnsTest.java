// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.pin.Pins;
import dev.culvert.datapath.table.ProgramNames;
import dev.culvert.datapath.table.Tables;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfProgram;
import dev.culvert.kernel.bpf.Link;
import dev.culvert.kernel.host.NetNamespace;
import dev.culvert.testing.BpfFolder;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Links behave the same whether the kernel has tcx links or clsact filters alone. */
@RequiresRoot
@Tag("netns")
class PinnedLinksNetnsTest {
  private static final String HOST = "cv-dp-links";
  private static final Path PINS = Path.of("/sys/fs/bpf/culvert/cv-dp-links");

  private final Libc libc = Libc.system();
  private final EbpfConfig config = EbpfConfig.builder(PINS, new InterfaceName("a0")).build();

  @BeforeEach
  void build() {
    BpfFolder.mount();
    Commands.tryRun("ip netns del " + HOST);
    Commands.run("ip netns add " + HOST);
    Commands.run("ip -n " + HOST + " link add a0 type veth peer name b0");
  }

  @AfterEach
  void tearDown() {
    Commands.tryRun("ip netns del " + HOST);
    Pins.existing(PINS).removeAll(Tables.MAPS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void laterAgentsFindReplaceAndDetach(boolean tcx) throws Exception {
    try (NetNamespace host = NetNamespace.named(libc, HOST)) {
      host.call(() -> {
        walk(tcx);
        return null;
      });
    }
  }

  private void walk(boolean tcx) {
    Pins pins = Pins.create(libc, PINS);
    pins.claim();
    int a = index("a0");
    int b = index("b0");
    try (Programs first = Programs.load(libc, pins, config, Optional.empty())) {
      PinnedLinks links = links(pins, tcx);
      links.ensure("", program(first), a, Link.Direction.INGRESS);
      links.ensure("b", program(first), b, Link.Direction.INGRESS);
    }
    try (Programs second = Programs.load(libc, pins, config, Optional.empty())) {
      PinnedLinks links = links(pins, tcx);
      assertEquals(List.of("from_underlay", "from_underlay-b"), pins.links());
      assertEquals(Optional.of(a), links.interfaceIndex("from_underlay"));
      links.replaceAll(second);
      String attached = Commands.in(HOST, "bpftool net show");
      if (!tcx) { // Distributions' bpftool may be too old to know tcx.
        assertTrue(attached.contains("id " + program(second).info().id()), attached);
      }
      links.ensure("", program(second), a, Link.Direction.INGRESS);
      assertEquals(Optional.of(a), links.interfaceIndex("from_underlay"));
      // Another interface takes the link along.
      links.ensure("b", program(second), a, Link.Direction.EGRESS);
      assertEquals(Optional.of(a), links.interfaceIndex("from_underlay-b"));
      links.detach("from_underlay-b");
      links.detach("from_underlay-b");
      assertEquals(List.of("from_underlay"), pins.links());

      Commands.run("ip -n " + HOST + " link del a0");
      assertEquals(Optional.empty(), links.interfaceIndex("from_underlay"));
      links.dropVanished();
      assertEquals(List.of(), pins.links());
    }
    assertFalse(Commands.in(HOST, "bpftool net show").contains("culvert"));
  }

  /** A network restart or another agent removes the qdisc, or the filters alone. */
  @ParameterizedTest
  @ValueSource(strings = {"qdisc del dev a0 clsact", "filter del dev a0 ingress"})
  void aClsactFilterThatSomebodyRemovedIsAttachedAnew(String removal) throws Exception {
    try (NetNamespace host = NetNamespace.named(libc, HOST)) {
      host.call(() -> {
        mend(removal);
        return null;
      });
    }
  }

  private void mend(String removal) {
    Pins pins = Pins.create(libc, PINS);
    pins.claim();
    try (Programs programs = Programs.load(libc, pins, config, Optional.empty())) {
      PinnedLinks links = links(pins, false);
      int a = index("a0");
      BpfProgram program = program(programs);
      assertTrue(links.keep("", program, a, Link.Direction.INGRESS), "attached");
      String before = filters();
      assertTrue(before.contains("culvert:from_underlay"), before);
      assertFalse(links.keep("", program, a, Link.Direction.INGRESS), "left alone");

      Commands.tryRun("tc -n " + HOST + " " + removal);
      assertFalse(filters().contains("culvert:"), "still there after " + removal);
      assertTrue(links.keep("", program, a, Link.Direction.INGRESS), "mended");
      assertTrue(filters().contains("id " + program.info().id()), filters());
      assertEquals(List.of("from_underlay"), pins.links());
      assertFalse(links.keep("", program, a, Link.Direction.INGRESS), "left alone again");
    }
  }

  private static String filters() {
    return Commands.tryRun("tc -n " + HOST + " filter show dev a0 ingress").output();
  }

  private PinnedLinks links(Pins pins, boolean tcx) {
    return new PinnedLinks(libc, pins, tcx ? Link::attachTcx : Link::attachClsact);
  }

  private static BpfProgram program(Programs programs) {
    return programs.find(ProgramNames.FROM_UNDERLAY).orElseThrow();
  }

  private static int index(String device) {
    String line = Commands.run("ip -n " + HOST + " -o link show " + device);
    return Integer.parseInt(line.substring(0, line.indexOf(':')));
  }
}
