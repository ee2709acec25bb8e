// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.kernel.InterfaceName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What outlives an agent of its runtimes' attachments. */
class AttachmentsTest {
  private static final AttachmentName WEB =
      new AttachmentName("pods", "web", new InterfaceName("eth0"));
  private static final AttachmentName DB =
      new AttachmentName("pods", "db", new InterfaceName("net@1"));

  @TempDir private Path run;

  private Attachments attachments() {
    return new Attachments(run.resolve("host.example.org.sock"));
  }

  @Test
  void theNextAgentKnowsWhatThisOneNoted() {
    attachments().add(WEB);
    attachments().add(DB);
    attachments().add(WEB);
    assertEquals(Set.of(WEB, DB), attachments().all());
    attachments().remove(WEB);
    attachments().remove(WEB);
    assertEquals(Set.of(DB), attachments().all());
    assertEquals(Set.of(), attachments().deleted());
  }

  @Test
  void whatThePluginMovedIsToBeDeleted() throws Exception {
    attachments().add(WEB);
    Path folder = run.resolve("host.example.org.cni");
    Files.move(
        folder.resolve("attachments/pods@web@eth0"), folder.resolve("deleted/pods@web@eth0"));
    Files.createFile(folder.resolve("deleted/nonsense"));
    assertEquals(Set.of(WEB), attachments().deleted());
    assertEquals(Set.of(WEB), attachments().all());
    attachments().remove(WEB);
    assertEquals(Set.of(), attachments().all());
  }

  @Test
  void nothingIsLeftOfAHostThatLeaves() {
    attachments().removeAll();
    attachments().add(WEB);
    attachments().removeAll();
    assertFalse(Files.exists(run.resolve("host.example.org.cni")));
    assertEquals(Set.of(), attachments().all());
  }

  @Test
  void namesAreReadAsTheyAreWritten() {
    assertEquals(Optional.of(DB), AttachmentName.parse(DB.fileName()));
    for (String other : new String[] {"pods@web", "@web@eth0", "pods@../web@eth0", "a@b@c/d"}) {
      assertEquals(Optional.empty(), AttachmentName.parse(other), other);
    }
  }

  @Test
  void longIdentifiersAreKeptAsDigests() {
    String runtimes = "0123456789abcdef".repeat(4);
    assertEquals(
        runtimes, new AttachmentName("pods", runtimes, new InterfaceName("eth0")).label().text());
    String longer = "x".repeat(150);
    // printf %0150d | tr 0 x | sha256sum
    assertEquals(
        "a09244d54a7ed6e9f75c3f431270b7467ffbd133f4f9950931d0aa80ce4667e6",
        new AttachmentName("pods", longer, new InterfaceName("eth0")).label().text());
    assertThrows(
        CniException.class,
        () -> new AttachmentName("pods", "x".repeat(197), new InterfaceName("eth0")));
  }
}
