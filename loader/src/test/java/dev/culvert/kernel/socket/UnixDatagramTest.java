// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.RefusedException;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a receiver that is not ours: Python's socket. */
final class UnixDatagramTest {
  private static final String RECEIVER =
      """
      import socket, sys
      name = sys.argv[1]
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.bind("\\0" + name[1:] if name.startswith("@") else name)
      print("bound", flush=True)
      s.settimeout(20)
      print(s.recv(4096).decode(), flush=True)
      """;

  private static void send(String address, String text) {
    UnixDatagram.send(Libc.system(), address, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void arrivesAt(String address) throws Exception {
    Process receiver =
        new ProcessBuilder("python3", "-c", RECEIVER, address)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader heard = receiver.inputReader()) {
      assertEquals("bound", heard.readLine());
      send(address, "READY=1");
      assertEquals("READY=1", heard.readLine());
    } finally {
      receiver.destroyForcibly();
    }
  }

  @Test
  void arrivesAtAPath(@TempDir Path folder) throws Exception {
    arrivesAt(folder.resolve("notify").toString());
  }

  @Test
  void arrivesAtAnAbstractName() throws Exception {
    arrivesAt("@culvert-test-" + ProcessHandle.current().pid());
  }

  @Test
  void nobodyThereIsTold(@TempDir Path folder) {
    String path = folder.resolve("nobody").toString();
    var e = assertThrows(KernelException.class, () -> send(path, "x"));
    assertEquals(Errno.ENOENT, e.errno());
  }

  @Test
  void whatIsNoAddressIsRefused() {
    for (String address :
        List.of("", "@", "/", "relative", "vsock:2:1234", "/" + "x".repeat(107))) {
      assertThrows(RefusedException.class, () -> send(address, "x"), address);
    }
  }
}
