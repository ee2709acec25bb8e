// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.agent.socket.ControlServer;
import dev.culvert.agent.socket.FakeOverlay;
import dev.culvert.agent.socket.RequestHandler;
import dev.culvert.agent.socket.RuntimeCalls;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program itself, without a kernel to change. */
class PluginProgramTest {
  private record Outcome(int exitCode, String output) {}

  @TempDir private Path folder;
  private Path program;

  @BeforeEach
  void unpack() throws Exception {
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "it is prebuilt for x86-64 alone");
    program = folder.resolve(PluginProgram.NAME);
    Files.write(program, PluginProgram.bytes());
    assertTrue(program.toFile().setExecutable(true));
    assertTrue(PluginProgram.isIt(program));
  }

  private Outcome run(Map<String, String> environment, String input) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(program.toString()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (OutputStream in = process.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }

  private Path socket() {
    return folder.resolve("host-01.sock");
  }

  private String configuration() {
    return "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"socket\":\"" + socket() + "\"}";
  }

  @Test
  void namesTheVersionsThatTheAgentSpeaks() throws Exception {
    for (String asked :
        List.of("{\"cniVersion\":\"0.4.0\"}", "{ \"x\" : [\"}\"], \"cniVersion\" : \"0.4.0\" }")) {
      Outcome outcome = run(Map.of("CNI_COMMAND", "VERSION"), asked);
      assertEquals(0, outcome.exitCode());
      assertEquals(
          Map.of(
              "cniVersion",
              "0.4.0",
              "supportedVersions",
              Arrays.stream(CniVersion.values()).map(CniVersion::text).toList()),
          Json.parseObject(outcome.output()));
    }
  }

  @Test
  void handsWordsOverAsTheyAreAndPrintsTheResult() throws Exception {
    Map<String, String> environment = new HashMap<>();
    String text =
        "{\"cniVersion\":\"1.0.0\",\n\t\"name\":\"p\\u00f6ds \\\"ö\\\"\",\"socket\":\""
            + socket()
            + "\"}\n";
    RuntimeCalls calls =
        (given, configuration) -> {
          environment.putAll(given);
          assertEquals(text, configuration);
          return Map.of("result", Map.of("cniVersion", "1.0.0", "dns", Map.of("domain", "a\"}b")));
        };
    try (ControlServer _ = serve(calls)) {
      Outcome outcome =
          run(
              Map.of(
                  "CNI_COMMAND", "ADD", "CNI_ARGS", "A=\"b\\c\u0001", "PATH", "/bin", "CNI", "x"),
              text);
      assertEquals(0, outcome.exitCode(), outcome.output());
      assertEquals(
          Map.of("cniVersion", "1.0.0", "dns", Map.of("domain", "a\"}b")),
          Json.parseObject(outcome.output()));
    }
    assertEquals(Map.of("CNI_COMMAND", "ADD", "CNI_ARGS", "A=\"b\\c\u0001"), environment);
  }

  private ControlServer serve(RuntimeCalls calls) {
    return ControlServer.start(
        socket(), new RequestHandler(new FakeOverlay(), calls, Instant.now(), e -> {}));
  }

  @Test
  void aRefusalIsPrintedOnStandardOutputAndFails() throws Exception {
    Plugin plugin = new Plugin(new FakeOverlay(), new FakeKernel(), new Attachments(socket()));
    try (ControlServer _ = serve(plugin)) {
      Outcome outcome = run(Map.of("CNI_COMMAND", "ADD"), configuration());
      assertEquals(1, outcome.exitCode());
      Map<String, Object> error = Json.parseObject(outcome.output());
      assertEquals(4L, error.get("code"));
      assertEquals("1.0.0", error.get("cniVersion"));
    }
  }

  @Test
  void anAgentThatKnowsNoSuchRequestIsQuoted() throws Exception {
    LinkedBlockingQueue<Throwable> faults = new LinkedBlockingQueue<>();
    RuntimeCalls fault =
        (_, _) -> {
          throw new AssertionError("on \"purpose\"");
        };
    try (ControlServer _ =
        ControlServer.start(
            socket(), new RequestHandler(new FakeOverlay(), fault, Instant.now(), faults::add))) {
      Outcome outcome = run(Map.of("CNI_COMMAND", "STATUS"), configuration());
      assertEquals(1, outcome.exitCode());
      Map<String, Object> error = Json.parseObject(outcome.output());
      assertEquals(5L, error.get("code"));
      assertTrue(error.get("msg").toString().contains("on \"purpose\""), outcome.output());
    }
    assertEquals(1, faults.size());
  }

  @ParameterizedTest
  @CsvSource({"ADD,11", "CHECK,11", "GC,11", "STATUS,50", "add,4", "'',4"})
  void withoutAnAgentItSaysWhatCanBeDone(String command, long code) throws Exception {
    Outcome outcome = run(Map.of("CNI_COMMAND", command), configuration());
    assertEquals(1, outcome.exitCode());
    assertEquals(code, Json.parseObject(outcome.output()).get("code"), outcome.output());
  }

  @Test
  void withoutAnAgentWhatIsDeletedIsNoted() throws Exception {
    new Attachments(socket()).add(AttachmentName.parse("pods@web@eth0").orElseThrow());
    Map<String, String> delete =
        Map.of("CNI_COMMAND", "DEL", "CNI_CONTAINERID", "web", "CNI_IFNAME", "eth0");
    assertEquals(new Outcome(0, ""), run(delete, configuration()));
    assertEquals(new Outcome(0, ""), run(delete, configuration()));
    assertEquals("[eth0 of web in pods]", new Attachments(socket()).deleted().toString());
  }

  @ParameterizedTest
  @CsvSource({"CNI_CONTAINERID,../web,4", "CNI_IFNAME,../../x,4", "CNI_IFNAME,'',4"})
  void noNameLeadsOutOfTheFolder(String variable, String value, long code) throws Exception {
    Map<String, String> delete =
        new HashMap<>(Map.of("CNI_COMMAND", "DEL", "CNI_CONTAINERID", "web", "CNI_IFNAME", "eth0"));
    delete.put(variable, value);
    Outcome outcome = run(delete, configuration());
    assertEquals(1, outcome.exitCode());
    assertEquals(code, Json.parseObject(outcome.output()).get("code"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'a':|6",
        "[]|6",
        "{'a':1}}|6",
        "{'a' 1}|6",
        "''|6",
        "{'socket':'x.sock'}|7",
        "{'socket':'/x'}|7",
        "{'socket':7}|7"
      })
  void whatIsNoConfigurationIsRefused(String text, long code) throws Exception {
    Outcome outcome = run(Map.of("CNI_COMMAND", "ADD"), text.replace('\'', '"'));
    assertEquals(1, outcome.exitCode());
    assertEquals(code, Json.parseObject(outcome.output()).get("code"), outcome.output());
  }

  @Test
  void aFloodOnStandardInputIsRefused() throws Exception {
    Outcome outcome = run(Map.of("CNI_COMMAND", "ADD"), "{\"a\":\"" + "x".repeat(5 << 20) + "\"}");
    assertEquals(1, outcome.exitCode());
    assertEquals(5L, Json.parseObject(outcome.output()).get("code"));
  }
}
