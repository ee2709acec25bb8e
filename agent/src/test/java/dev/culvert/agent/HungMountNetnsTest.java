// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.RequiresRoot;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The lease directory is on a file server that never answers. */
@Tag("netns")
@RequiresRoot
class HungMountNetnsTest extends AgentFixture {
  @Test
  void leavingWithoutTheAgentEndsAndTellsWhatStays() throws Exception {
    Process agent = startAgent();
    agent.destroyForcibly().waitFor();
    Path leases = folder.resolve("leases");
    Process server = hang(leases);
    try {
      Outcome left = culvert("leave", "--config", config().toString());
      assertEquals(1, left.exitCode(), left.output());
      assertTrue(
          left.output()
              .contains(
                  "The store of leases does not answer within 30 s, so that the lease of %s stays"
                      .formatted(HOST)),
          left.output());
      assertFalse(Files.exists(PINS), "what is on this machine is gone");
    } finally {
      server.destroyForcibly().waitFor();
      ok(run(List.of("umount", "--lazy", leases.toString())));
    }
    ok(culvert("leave", "--config", config().toString()));
    assertEverythingIsGone();
  }

  private Process hang(Path at) throws Exception {
    Path script = folder.resolve("hung.py");
    try (InputStream in = HungMountNetnsTest.class.getResourceAsStream("hung.py")) {
      Files.copy(in, script);
    }
    Process server =
        new ProcessBuilder("python3", script.toString(), at.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertEquals("mounted", server.inputReader().readLine());
    return server;
  }
}
