// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.testing.BpfFolder;
import dev.culvert.testing.Commands;
import dev.culvert.testing.RequiresRoot;
import dev.culvert.testing.TestNamespace;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The agent of docs/embedding.md, compiled as the page shows it and run twice: on the class path,
 * on the module path, and in an image made by jlink. Its container then reaches the gateway, and no
 * agent lives any more.
 */
@Tag("netns")
@RequiresRoot
final class EmbeddedAgentNetnsTest {
  private static final Path PAGE = Path.of("..", "docs", "embedding.md");
  private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));
  private static final List<String> JARS =
      List.of("culvert-bpf-", "culvert-loader-", "culvert-control-");

  /** A block of the page that begins with the name of its file. */
  private static final Pattern LISTING =
      Pattern.compile("```java\n// (\\S+\\.java)\n(.*?)```", Pattern.DOTALL);

  @TempDir private Path folder;
  private String host;
  private TestNamespace machine;
  private TestNamespace container;

  @BeforeEach
  void prepare() throws Exception {
    BpfFolder.mount();
    machine = TestNamespace.create();
    container = TestNamespace.create();
    host = machine.name();
    machine.run("ip", "link", "add", "under0", "type", "veth", "peer", "name", "under1");
    machine.run("ip", "address", "add", "10.17.2.2/24", "dev", "under0");
    machine.run("ip", "link", "set", "under0", "up");
    machine.run("ip", "link", "set", "under1", "up");
    copyJars(Files.createDirectory(folder.resolve("lib")));
    writeListings(Files.createDirectory(folder.resolve("src")));
  }

  @AfterEach
  void clean() throws Exception {
    machine.close();
    container.close();
    Path pins = Path.of("/sys/fs/bpf/culvert", host);
    if (Files.exists(pins)) {
      try (Stream<Path> walk = Files.walk(pins)) {
        for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
    if (Files.exists(pins.getParent()) && pins.getParent().toFile().list().length == 0) {
      Files.delete(pins.getParent());
    }
  }

  /** Those that the page names, as packaged; netty is none of them. */
  private static void copyJars(Path lib) throws IOException {
    try (Stream<Path> packaged = Files.list(Path.of("target", "lib"))) {
      for (Path jar : packaged.toList()) {
        if (JARS.stream().anyMatch(jar.getFileName().toString()::startsWith)) {
          Files.copy(jar, lib.resolve(jar.getFileName()));
        }
      }
    }
    assertEquals(JARS.size(), lib.toFile().list().length, "jars in target/lib");
  }

  private static void writeListings(Path source) throws IOException {
    Matcher listings = LISTING.matcher(Files.readString(PAGE));
    while (listings.find()) {
      Path file = source.resolve(listings.group(1));
      Files.createDirectories(file.getParent());
      Files.writeString(file, listings.group(2));
    }
    assertTrue(Files.exists(source.resolve("agent/Agent.java")), "Agent.java on the page");
    assertTrue(Files.exists(source.resolve("module-info.java")), "module-info.java on the page");
  }

  @Test
  void runsOnTheClassPath() throws Exception {
    String jars = jars();
    Commands.run(tool("javac"), "-cp", jars, "-d", path("classes"), path("src/agent/Agent.java"));
    runsTwice(
        tool("java"),
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        path("classes") + File.pathSeparator + jars,
        "agent.Agent");
  }

  @Test
  void runsOnTheModulePath() throws Exception {
    compileModule();
    runsTwice(
        tool("java"),
        "--enable-native-access=dev.culvert.loader",
        "-p",
        path("module") + File.pathSeparator + path("lib"),
        "-m",
        "agent/agent.Agent");
  }

  @Test
  void runsInALinkedImage() throws Exception {
    compileModule();
    Commands.run(
        tool("jlink"),
        "-p",
        path("module") + File.pathSeparator + path("lib"),
        "--add-modules",
        "agent",
        "--output",
        path("image"));
    runsTwice(
        path("image/bin/java"),
        "--enable-native-access=dev.culvert.loader",
        "-m",
        "agent/agent.Agent");
  }

  private void compileModule() throws Exception {
    Commands.run(
        tool("javac"),
        "-p",
        path("lib"),
        "-d",
        path("module"),
        path("src/agent/Agent.java"),
        path("src/module-info.java"));
  }

  private void runsTwice(String... java) throws Exception {
    String first = run(java);
    assertEquals("10.244.1.2", first);
    container.run("ping", "-c", "1", "-W", "5", "10.244.1.1");
    assertEquals(first, run(java), "at its second run");
    container.run("ping", "-c", "1", "-W", "5", "10.244.1.1");
  }

  /** By nsenter, since "ip netns exec" would hide the bpf file system. */
  private String run(String... java) throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("nsenter", "--net=/run/netns/" + host, "timeout", "60"));
    command.addAll(List.of(java));
    command.addAll(List.of(host, "under0", "10.17.2.2", path("leases")));
    command.add("/run/netns/" + container.name());
    return Commands.run(command.toArray(String[]::new)).strip();
  }

  private String jars() throws IOException {
    try (Stream<Path> jars = Files.list(folder.resolve("lib"))) {
      return jars.map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private static String tool(String name) {
    return JAVA_HOME.resolve("bin").resolve(name).toString();
  }
}
