// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.ContainerEnd;
import dev.culvert.datapath.ContainerLabel;
import dev.culvert.kernel.InterfaceName;
import dev.culvert.kernel.RefusedException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an alias keeps of a container, from one process to the next. */
final class OwnershipTest {
  private static final Ownership OURS = new Ownership("host-01");
  private static final InterfaceName ETH0 = new InterfaceName("eth0");

  @ParameterizedTest
  @ValueSource(strings = {"/run/netns/c1", "/proc/17/ns/net", "c1", "/odd/path with:colons:in"})
  void theAliasTellsTheContainer(String path) {
    ContainerEnd bare = new ContainerEnd(Path.of(path), ETH0);
    ContainerEnd labelled =
        new ContainerEnd(Path.of(path), ETH0, Optional.of(new ContainerLabel("kube/pod-1")));
    assertEquals("culvert:host-01:" + path + ":eth0:kube/pod-1", OURS.alias(labelled));
    assertEquals(Optional.of(labelled), OURS.container(OURS.alias(labelled)));
    assertEquals(Optional.of(bare), OURS.container(OURS.alias(bare)));
    assertEquals(Optional.of(Path.of(path)), OURS.netns(OURS.alias(bare)));
  }

  @Test
  void pairsOfOlderVersionsTellTheNamespaceAlone() {
    String alias = "culvert:host-01:/run/netns/c1";
    assertEquals(Optional.empty(), OURS.container(alias));
    assertEquals(Optional.of(Path.of("/run/netns/c1")), OURS.netns(alias));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "somebody",
        "culvert:host-01",
        "culvert:host-01:culvert0",
        "culvert:host-02:/run/netns/c1:eth0:",
        "culvert:host-01:/run/netns/c1:eth%d:",
        "culvert:host-01:/run/netns/c1:eth0:two words"
      })
  void whatIsNoContainersAliasTellsNone(String alias) {
    assertEquals(Optional.empty(), OURS.container(alias));
  }

  @Test
  void whatDoesNotFitIsRefusedOrLeftOut() {
    Path far = Path.of("/" + "x".repeat(220));
    String alias = OURS.alias(new ContainerEnd(far, ETH0));
    assertTrue(alias.getBytes(StandardCharsets.UTF_8).length <= 255, alias);
    Path further = Path.of("/" + "x".repeat(300));
    assertEquals(Optional.empty(), OURS.container(OURS.alias(new ContainerEnd(further, ETH0))));
    ContainerEnd labelled =
        new ContainerEnd(far, ETH0, Optional.of(new ContainerLabel("y".repeat(64))));
    var refused = assertThrows(RefusedException.class, () -> OURS.alias(labelled));
    assertTrue(refused.getMessage().contains("and 255 is the most"), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "a:b", "ä", "tab\t"})
  void notEveryTextIsALabel(String text) {
    assertThrows(RefusedException.class, () -> new ContainerLabel(text));
  }
}
