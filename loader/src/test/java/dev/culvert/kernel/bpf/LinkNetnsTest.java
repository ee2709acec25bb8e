// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.Link.Direction;
import dev.culvert.kernel.system.Syscall;
import dev.culvert.testing.BpfFolder;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two namespaces joined by a veth pair: v0 (10.99.0.1) here, v1 (10.99.0.2) there. */
@Tag("netns")
@RequiresRoot
final class LinkNetnsTest {
  private final Libc libc = Libc.system();
  private final OpenDescriptors descriptors = new OpenDescriptors();
  private TestNamespace here;
  private TestNamespace there;
  private BpfObject object;
  private BpfProgram shoots;
  private BpfProgram lets;
  private int v0;

  @BeforeEach
  void build() throws Exception {
    here = TestNamespace.create();
    there = TestNamespace.create();
    here.run(
        "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", there.name());
    here.run("ip", "addr", "add", "10.99.0.1/24", "dev", "v0");
    here.run("ip", "link", "set", "v0", "up");
    there.run("ip", "addr", "add", "10.99.0.2/24", "dev", "v1");
    there.run("ip", "link", "set", "v1", "up");
    v0 = here.interfaceIndex("v0");
    object = BpfObject.load(libc, TestObjects.spec("sample"), Map.of());
    shoots = object.program("shoots");
    lets = object.program("returns_mark"); // mark is 0: TC_ACT_OK
    assertTrue(answers(), "the veth pair works before anything is attached");
  }

  @AfterEach
  void tearDown() throws Exception {
    object.close();
    here.close();
    there.close();
    descriptors.assertNoneLeaked();
  }

  private boolean answers() throws IOException, InterruptedException {
    try {
      here.run("ping", "-c1", "-W0.3", "-q", "10.99.0.2");
      return true;
    } catch (AssertionError noAnswer) {
      return false;
    }
  }

  @Test
  void tcxLinkAttachesReplacesAndDetaches() throws Exception {
    Link link = here.call(() -> Link.attachTc(libc, shoots, v0, Direction.INGRESS));
    assertInstanceOf(TcxLink.class, link);
    assertEquals(v0, link.interfaceIndex());
    assertEquals(shoots.info().id(), link.programId());
    assertFalse(answers());
    link.replace(lets);
    assertEquals(lets.info().id(), link.programId());
    assertTrue(answers());
    link.replace(shoots);
    link.detach();
    assertTrue(answers());
    link.close();

    try (Link egress = here.call(() -> Link.attachTcx(libc, shoots, v0, Direction.EGRESS))) {
      assertFalse(answers(), egress.toString());
    }
    assertTrue(answers(), "closing a link that is not pinned detaches it");
  }

  @Test
  void aPinnedTcxLinkOutlivesUs() throws Exception {
    try (BpfFolder folder = BpfFolder.create()) {
      Path pin = folder.path().resolve("link");
      try (Link link = here.call(() -> Link.attachTcx(libc, shoots, v0, Direction.INGRESS))) {
        link.pin(pin);
      }
      assertFalse(answers());
      try (Link again = Link.openPinned(libc, pin)) {
        assertInstanceOf(TcxLink.class, again);
        assertEquals(v0, again.interfaceIndex());
        again.replace(lets);
        assertTrue(answers());
        again.replace(shoots);
        assertFalse(answers());
        again.detach();
      }
      assertTrue(answers());
      shoots.pin(folder.path().resolve("program"));
      KernelException e =
          assertThrows(
              KernelException.class, () -> Link.openPinned(libc, folder.path().resolve("program")));
      assertTrue(e.getMessage().contains("no link but bpf-prog"), e.getMessage());
    }
  }

  @Test
  void clsactFilterAttachesReplacesAndDetaches() throws Exception {
    Link link = here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.INGRESS));
    assertEquals(shoots.info().id(), link.programId());
    assertFalse(answers());
    link.replace(lets);
    assertEquals(lets.info().id(), link.programId());
    assertTrue(answers());
    link.replace(shoots);
    link.close();
    assertFalse(answers(), "a clsact filter stays when its owner goes");
    String shown = here.run("tc", "filter", "show", "dev", "v0", "ingress");
    assertTrue(shown.contains("pref 52224 bpf") && shown.contains("handle 0xc1"), shown);
    assertTrue(shown.contains("culvert:shoots direct-action"), shown);

    try (Link found =
        here.call(() -> Link.findClsact(libc, "shoots", v0, Direction.INGRESS).orElseThrow())) {
      found.detach();
      found.detach();
      assertTrue(answers());
      assertThrows(KernelException.class, () -> found.replace(lets));
    }
    assertTrue(here.call(() -> Link.findClsact(libc, "shoots", v0, Direction.INGRESS).isEmpty()));
    assertEquals("", here.run("tc", "filter", "show", "dev", "v0", "ingress"));
  }

  @Test
  void withoutTcxAFilterTakesItsPlace() throws Exception {
    // A kernel before 6.6, as far as links go: it does not know the attach type.
    Libc old =
        (call, a, b, c, d, e, f) ->
            call == Syscall.BPF && a == Bpf.LINK_CREATE
                ? -Errno.EINVAL.number()
                : libc.call(call, a, b, c, d, e, f);
    try (Link link = here.call(() -> Link.attachTc(old, shoots, v0, Direction.INGRESS))) {
      assertInstanceOf(ClsactFilter.class, link);
      assertFalse(answers());
      link.detach();
    }
    assertTrue(answers());
    Unsupported e =
        assertThrows(
            Unsupported.class,
            () -> here.call(() -> Link.attachXdp(old, object.program("drops"), v0)));
    assertEquals("5.9", e.kernelNeeded());
  }

  @Test
  void attachingAgainTakesOverOurOwnFilterAndNoOther() throws Exception {
    here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.EGRESS)).close();
    here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.EGRESS)).close();
    String shown = here.run("tc", "filter", "show", "dev", "v0", "egress");
    assertEquals(1, shown.lines().filter(l -> l.contains("handle")).count(), shown);
    KernelException e =
        assertThrows(
            KernelException.class,
            () -> here.call(() -> Link.attachClsact(libc, lets, v0, Direction.EGRESS)));
    assertEquals(Errno.EEXIST, e.errno());
    assertTrue(e.getMessage().contains("\"culvert:shoots\" holds its priority"), e.getMessage());
  }

  @Test
  void whatOthersAttachedSurvives() throws Exception {
    here.run("tc", "qdisc", "add", "dev", "v0", "clsact");
    for (String direction : new String[] {"ingress", "egress"}) {
      here.run(
          ("tc filter add dev v0 "
                  + direction
                  + " pref 7 protocol ip u32 match ip dst 192.0.2.1/32 flowid 1:1")
              .split(" "));
    }
    String ingress = here.run("tc", "filter", "show", "dev", "v0", "ingress");
    String egress = here.run("tc", "filter", "show", "dev", "v0", "egress");
    String qdiscs = here.run("tc", "qdisc", "show", "dev", "v0");
    try (Link in = here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.INGRESS));
        Link out = here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.EGRESS));
        Link tcx = here.call(() -> Link.attachTcx(libc, shoots, v0, Direction.INGRESS))) {
      assertFalse(answers());
      in.detach();
      out.detach();
      assertFalse(answers());
      tcx.detach();
    }
    assertTrue(answers());
    assertEquals(ingress, here.run("tc", "filter", "show", "dev", "v0", "ingress"));
    assertEquals(egress, here.run("tc", "filter", "show", "dev", "v0", "egress"));
    assertEquals(qdiscs, here.run("tc", "qdisc", "show", "dev", "v0"));
  }

  @Test
  void aForeignIngressQdiscIsNotMistakenForClsact() throws Exception {
    here.run("tc", "qdisc", "add", "dev", "v0", "ingress");
    try (Link in = here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.INGRESS))) {
      assertFalse(answers());
      in.detach();
    }
    KernelException e =
        assertThrows(
            KernelException.class,
            () -> here.call(() -> Link.attachClsact(libc, shoots, v0, Direction.EGRESS)));
    assertTrue(e.getMessage().contains("ingress qdisc"), e.getMessage());
  }

  @Test
  void xdpLinkAttachesReplacesAndDetaches() throws Exception {
    BpfProgram drops = object.program("drops");
    Link link = here.call(() -> Link.attachXdp(libc, drops, v0));
    assertTrue(link.toString().contains("native XDP"), link.toString());
    assertFalse(answers());
    assertEquals(drops.info().id(), link.programId());
    KernelException busy =
        assertThrows(KernelException.class, () -> here.call(() -> Link.attachXdp(libc, drops, v0)));
    assertTrue(busy.getMessage().contains("has an XDP program already"), busy.getMessage());
    link.replace(object.program("passes"));
    assertTrue(answers());
    link.detach();
    link.close();
    int lo = here.interfaceIndex("lo");
    try (Link generic = here.call(() -> Link.attachXdp(libc, drops, lo))) {
      assertTrue(generic.toString().contains("generic XDP"), generic.toString());
    }
  }

  @Test
  void aPinnedXdpLinkOutlivesUs() throws Exception {
    try (BpfFolder folder = BpfFolder.create()) {
      Path pin = folder.path().resolve("link");
      try (Link link = here.call(() -> Link.attachXdp(libc, object.program("drops"), v0))) {
        link.pin(pin);
      }
      assertFalse(answers());
      try (Link again = Link.openPinned(libc, pin)) {
        assertInstanceOf(XdpLink.class, again);
        assertEquals(v0, again.interfaceIndex());
      }
      Files.delete(pin);
      assertTrue(answers());
    }
  }

  @Test
  void anInterfaceThatVanishesIsNoErrorAtTheEnd() throws Exception {
    Link tcx = here.call(() -> Link.attachTcx(libc, lets, v0, Direction.INGRESS));
    Link clsact = here.call(() -> Link.attachClsact(libc, lets, v0, Direction.INGRESS));
    Link xdp = here.call(() -> Link.attachXdp(libc, object.program("passes"), v0));
    here.run("ip", "link", "del", "v0");
    for (Link link : new Link[] {tcx, clsact, xdp}) {
      KernelException e =
          assertThrows(
              KernelException.class,
              () -> link.replace(link == xdp ? object.program("drops") : shoots));
      assertEquals(Errno.ENOLINK, e.errno(), e.getMessage());
      assertTrue(e.getMessage().contains("attach anew"), e.getMessage());
      link.detach();
      link.close();
    }
    here.run(
        "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", there.name());
  }

  @Test
  void aMissingInterfaceIsNamed() {
    for (Attach attach :
        new Attach[] {
          () -> Link.attachTc(libc, lets, 99_999, Direction.INGRESS),
          () -> Link.attachClsact(libc, lets, 99_999, Direction.INGRESS),
          () -> Link.attachXdp(libc, object.program("passes"), 99_999)
        }) {
      KernelException e =
          assertThrows(KernelException.class, () -> here.call(() -> attach.attach()));
      assertEquals(Errno.ENODEV, e.errno(), e.getMessage());
      assertTrue(e.getMessage().contains("no such interface"), e.getMessage());
      assertTrue(e.getMessage().contains("99999"), e.getMessage());
    }
  }

  /** One of the ways to attach. */
  private interface Attach {
    Link attach();
  }
}
