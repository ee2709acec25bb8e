// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.UserException;
import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.ControlClient.Reply;
import dev.culvert.agent.socket.ControlClient.Silence;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlSocketTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir private Path folder;
  private final FakeOverlay overlay = new FakeOverlay();
  private Path socket;

  @BeforeEach
  void choose() {
    socket = folder.resolve("host-01.sock");
  }

  private ControlServer server() {
    return ControlServer.start(
        socket, new RequestHandler(overlay, Instant.parse("2030-01-01T00:00:00Z")));
  }

  private Map<String, Object> ask(Map<String, Object> request) {
    Reply reply = new ControlClient(socket).ask(request, PATIENCE);
    return assertInstanceOf(Reply.Answer.class, reply).fields();
  }

  @Test
  void answersEveryRequest() {
    try (ControlServer _ = server()) {
      Map<?, ?> endpoint =
          (Map<?, ?>)
              ask(Map.of(
                      "request", "attach",
                      "netns", "/run/netns/a",
                      "interface", "eth0",
                      "address", "10.244.1.9"))
                  .get("endpoint");
      assertEquals("10.244.1.9", endpoint.get("address"));
      assertEquals(7L, endpoint.get("interfaceIndex"));
      assertEquals(
          List.of("10.244.1.9"),
          ask(Map.of("request", "detach", "address", "10.244.1.9")).get("addresses"));
      assertEquals(
          List.of("10.244.1.2", "10.244.1.3"),
          ask(Map.of("request", "detach", "netns", "/run/netns/a")).get("addresses"));
      assertEquals(Map.of(), ask(Map.of("request", "attach-bridge", "bridge", "br0")));
      assertEquals(Map.of(), ask(Map.of("request", "detach-bridge", "bridge", "br0")));
      assertEquals(Map.of(), ask(Map.of("request", "leave")));
    }
    assertEquals(
        List.of(
            "attach /run/netns/a eth0 /10.244.1.9",
            "detach 10.244.1.9",
            "detachAll /run/netns/a",
            "attachBridge br0",
            "detachBridge br0",
            "leave"),
        overlay.asked);
  }

  @Test
  void tellsItsStatus() {
    try (ControlServer _ = server()) {
      Map<String, Object> status = ask(Map.of("request", "status"));

      assertEquals(ProcessHandle.current().pid(), status.get("pid"));
      assertEquals("2030-01-01T00:00:00Z", status.get("started"));
      assertEquals(
          Json.parse(
              """
              {"subnet":"10.244.1.0/24","vni":1,"host":"host-01",
               "vtep":{"address":"10.17.2.2","port":4789,"mac":"02:00:0a:11:02:02"},
               "generation":3,"renewed":"2030-01-01T03:04:05Z","expires":"2030-01-02T03:04:05Z"}
              """),
          status.get("lease"));
      assertEquals(Map.of("connected", true, "revision", 12L), status.get("store"));
      assertEquals(List.of("a pending change"), status.get("pending"));
    }
  }

  @Test
  void handsARefusalOnInItsOwnWords() {
    overlay.refusal = Optional.of(new IllegalArgumentException("There is no free address."));
    try (ControlServer _ = server()) {
      UserException e =
          assertThrows(
              UserException.class,
              () -> ask(Map.of("request", "attach", "netns", "/run/netns/a", "interface", "eth0")));
      assertEquals("There is no free address.", e.getMessage());
    }
  }

  @Test
  void refusesNonsenseAndGoesOn() throws Exception {
    try (ControlServer _ = server();
        LineChannel lines =
            new LineChannel(SocketChannel.open(UnixDomainSocketAddress.of(socket)))) {
      for (String nonsense :
          List.of(
              "",
              "{",
              "[]",
              "{\"request\":7}",
              "{\"request\":\"dance\"}",
              "\0",
              "{\"request\":\"attach\"}",
              "{\"request\":\"detach\",\"address\":\"nowhere\"}")) {
        lines.write(nonsense);
        Map<String, Object> answer = Json.parseObject(lines.read().orElseThrow());
        assertEquals(false, answer.get("ok"), nonsense);
        assertFalse(answer.get("error").toString().isBlank(), nonsense);
      }
      lines.write("{\"request\":\"status\"}");
      assertEquals(true, Json.parseObject(lines.read().orElseThrow()).get("ok"));
    }
    assertEquals(List.of("status"), overlay.asked);
  }

  @Test
  void isForRootAlone() throws Exception {
    try (ControlServer _ = server()) {
      assertEquals(
          "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    }
    assertFalse(Files.exists(socket));
  }

  @Test
  void replacesADeadAgentsSocket() throws Exception {
    ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    dead.bind(UnixDomainSocketAddress.of(socket));
    dead.close();
    assertTrue(Files.exists(socket));
    assertEquals(
        new Reply.None(Silence.NOT_RUNNING),
        new ControlClient(socket).ask(Map.of("request", "status"), PATIENCE));

    try (ControlServer _ = server()) {
      assertEquals(
          12L, ((Map<?, ?>) ask(Map.of("request", "status")).get("store")).get("revision"));
    }
  }

  @Test
  void saysWhenNobodyIsThere() {
    assertEquals(
        new Reply.None(Silence.NOT_RUNNING),
        new ControlClient(socket).ask(Map.of("request", "status"), PATIENCE));
  }

  @Test
  void doesNotWaitForEverForAnAgentThatHangs() throws Exception {
    try (ServerSocketChannel mute = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      mute.bind(UnixDomainSocketAddress.of(socket));

      assertEquals(
          new Reply.None(Silence.NOT_ANSWERING),
          new ControlClient(socket).ask(Map.of("request", "status"), Duration.ofMillis(50)));
    }
  }
}
