// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Random bytes from one namespace to another by netcat, their hashes compared. */
final class TcpTransfer {
  private static final int CHUNK_BYTES = 1 << 20;

  private TcpTransfer() {}

  /**
   * Sends.
   *
   * @param folder for the files
   */
  static void send(Path folder, int mebibytes, String from, String to, String address)
      throws Exception {
    Path sent = folder.resolve("sent");
    Path received = folder.resolve("received");
    write(sent, mebibytes);
    Process server =
        new ProcessBuilder(
                "ip", "netns", "exec", to, "timeout", "60", "nc", "-l", "-N", "-p", "7000")
            .redirectOutput(received.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      awaitListening(to);
      Process client =
          new ProcessBuilder(
                  "ip", "netns", "exec", from, "timeout", "60", "nc", "-N", address, "7000")
              .redirectInput(sent.toFile())
              .redirectErrorStream(true)
              .start();
      String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, client.waitFor(), said);
      assertTrue(server.waitFor(60, TimeUnit.SECONDS), "the receiver did not end");
    } finally {
      server.destroyForcibly().waitFor();
    }
    assertEquals(hash(sent), hash(received));
  }

  private static void write(Path file, int mebibytes) throws Exception {
    byte[] chunk = new byte[CHUNK_BYTES];
    Random random = new Random(7);
    try (var out = Files.newOutputStream(file)) {
      for (int i = 0; i < mebibytes; i++) {
        random.nextBytes(chunk);
        out.write(chunk);
      }
    }
  }

  private static void awaitListening(String namespace) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      if (Commands.tryRun("ip netns exec " + namespace + " ss -Hltn sport = :7000")
          .output()
          .contains("7000")) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("netcat does not listen");
  }

  private static String hash(Path file) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (var in = Files.newInputStream(file)) {
      byte[] chunk = new byte[CHUNK_BYTES];
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        digest.update(chunk, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
