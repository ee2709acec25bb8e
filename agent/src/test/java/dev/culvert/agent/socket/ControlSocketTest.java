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
import dev.culvert.kernel.RefusedException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlSocketTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir private Path folder;
  private final FakeOverlay overlay = new FakeOverlay();
  private final List<Throwable> faults = new CopyOnWriteArrayList<>();
  private Path socket;

  @BeforeEach
  void choose() {
    socket = folder.resolve("host-01.sock");
  }

  private ControlServer server() {
    return ControlServer.start(
        socket,
        new RequestHandler(overlay, overlay, Instant.parse("2030-01-01T00:00:00Z"), faults::add));
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
    overlay.refusal = Optional.of(new RefusedException("There is no free address."));
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
              "{\"request\":\"attach\",\"netns\":7,\"interface\":\"eth0\"}",
              "{\"request\":\"attach\",\"netns\":\"/n\",\"interface\":[\"eth0\"]}",
              "{\"request\":\"attach\",\"netns\":\"/n\",\"interface\":\"eth%d\"}",
              "{\"request\":\"attach-bridge\",\"bridge\":\"no such/bridge\"}",
              "{\"request\":\"attach\",\"netns\":\"/n\",\"interface\":\"eth0\",\"address\":7}",
              "{\"request\":\"attach\",\"netns\":\"/n\",\"interface\":\"eth0\",\"addresses\":\"10.244.1.2\"}",
              "{\"request\":\"attach\",\"netns\":\"/n\",\"interface\":\"eth0\",\"addresses\":[7]}",
              "{\"request\":\"attach\",\"netns\":\"/n\",\"interface\":\"eth0\",\"adress\":\"10.244.1.2\"}",
              "{\"request\":\"attach\",\"netns\":\"\\u0000\",\"interface\":\"eth0\"}",
              "{\"request\":\"detach\"}",
              "{\"request\":\"detach\",\"netns\":\"/n\",\"address\":\"10.244.1.2\"}",
              "{\"request\":\"detach\",\"address\":\"1.2.3\"}",
              "{\"request\":\"leave\",\"host\":\"other\"}",
              "{\"request\":\"attach-bridge\",\"bridge\":{}}",
              "{\"request\":\"detach\",\"address\":\"nowhere\"}")) {
        lines.write(nonsense, PATIENCE);
        Map<String, Object> answer = Json.parseObject(lines.read(PATIENCE).orElseThrow());
        assertEquals(false, answer.get("ok"), nonsense);
        String error = answer.get("error").toString();
        assertFalse(error.isBlank() || error.contains("fault in Culvert"), nonsense + error);
      }
      lines.write("{\"request\":\"status\"}", PATIENCE);
      assertEquals(true, Json.parseObject(lines.read(PATIENCE).orElseThrow()).get("ok"));
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

  @Test
  void tellsWhichValueIsOfTheWrongKind() {
    try (ControlServer _ = server()) {
      UserException e =
          assertThrows(
              UserException.class,
              () ->
                  ask(
                      Map.of(
                          "request", "attach",
                          "netns", "/run/netns/a",
                          "interface", "eth0",
                          "addresses", List.of(7))));
      assertEquals("The request's \"addresses\" is [7]; write a list of texts.", e.getMessage());
    }
  }

  /** Our own mistake is told as one, is no reason to wait for an answer, and harms nobody else. */
  @Test
  void aFaultOfOursIsAnswered() {
    overlay.fault = new NoClassDefFoundError("dev/culvert/Gone");
    try (ControlServer _ = server()) {
      UserException e =
          assertThrows(
              UserException.class, () -> ask(Map.of("request", "detach-bridge", "bridge", "b")));
      assertTrue(e.getMessage().contains("dev/culvert/Gone"), e.getMessage());
      assertTrue(e.getMessage().contains("fault in Culvert"), e.getMessage());
      overlay.fault = null;
      assertEquals(Map.of(), ask(Map.of("request", "detach-bridge", "bridge", "b")));
    }
    assertEquals(1, faults.size());
  }

  /** A client that does not read, and more of them than there is room for, keep nobody waiting. */
  @Test
  void silentClientsAndSuchAsDoNotReadKeepNobodyWaiting() throws Exception {
    overlay.problem = "x".repeat(1 << 20); // more than a socket's buffer takes
    List<SocketChannel> clients = new ArrayList<>();
    long beginNs;
    try (ControlServer _ = server()) {
      for (int i = 0; i < Connections.MOST + 10; i++) {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        clients.add(client);
        if (i % 2 == 0) {
          new LineChannel(client).write("{\"request\":\"status\"}", PATIENCE);
        }
      }
      assertEquals(1, ((List<?>) ask(Map.of("request", "status")).get("problems")).size());
      beginNs = System.nanoTime();
    }
    assertTrue(System.nanoTime() - beginNs < 2_000_000_000L, "the end waits for stuck readers");
    for (SocketChannel client : clients) {
      client.close();
    }
  }
}
