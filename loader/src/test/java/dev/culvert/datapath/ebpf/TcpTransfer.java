// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Large TCP between namespaces, by netcat.
 *
 * @param folder for what is sent and what arrived
 * @param bytes how much
 */
record TcpTransfer(Path folder, int bytes) {
  private static final int PIECE_BYTES = 1 << 20;

  /** Sends random bytes by netcat and compares their hashes. */
  void send(String from, String to, String address) throws Exception {
    Path sent = folder.resolve("sent");
    Path received = folder.resolve("received");
    write(sent);
    String family = address.contains(":") ? "-6" : "-4";
    Process server =
        new ProcessBuilder(
                "ip", "netns", "exec", to, "timeout", "60", "nc", family, "-l", "-N", "-p", "7000")
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

  /** By the piece, since a test may send more than its memory takes. */
  private void write(Path file) throws IOException {
    byte[] piece = new byte[PIECE_BYTES];
    Random random = new Random(7);
    try (OutputStream out = Files.newOutputStream(file)) {
      for (int left = bytes; left > 0; left -= PIECE_BYTES) {
        random.nextBytes(piece);
        out.write(piece, 0, Math.min(left, PIECE_BYTES));
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
    try (InputStream in = Files.newInputStream(file)) {
      byte[] piece = new byte[PIECE_BYTES];
      for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
        digest.update(piece, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
