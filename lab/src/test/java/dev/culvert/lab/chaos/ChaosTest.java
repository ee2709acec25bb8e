// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.lab.Namespaces;
import dev.culvert.lab.Shell;
import dev.culvert.testing.RequiresRoot;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever happens to a real etcd and to agents: no moment with two hosts forwarding one subnet,
 * every table equal to the store in the end, nothing acknowledged lost, no packet lost on a path
 * whose hosts lived. Two minutes with a fixed seed here; "./dev chaos" runs it for as long, and
 * with what seed, one likes.
 */
@Tag("store")
@RequiresRoot
class ChaosTest {
  private static final String PREFIX = "cv-ch" + ProcessHandle.current().pid() + "-";
  private static final String MINUTES = System.getProperty("chaos.minutes", "2");
  private static final long SEED = Long.getLong("chaos.seed", 20261129L);

  @TempDir Path folder;
  private final Shell shell = new Shell();

  @BeforeEach
  void makeNamespace() {
    new Namespaces(shell).create(List.of(PREFIX + "lan"));
  }

  /** Whatever is left in them ends with them. */
  @AfterEach
  void removeNamespaces() {
    new Namespaces(shell).delete(Namespaces.startingWith(PREFIX));
    shell.close();
  }

  @Test
  void nothingThatMustNotHappenHappens() throws Exception {
    Path table = Path.of(System.getProperty("chaos.table", folder.resolve("table.md").toString()));
    List<String> words = new ArrayList<>(Namespaces.enter(PREFIX + "lan"));
    words.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Chaos.class.getName(),
            PREFIX,
            folder.toString(),
            MINUTES,
            String.valueOf(SEED),
            table.toString()));
    Path log = Files.createDirectories(Path.of("target").toAbsolutePath()).resolve("chaos.log");
    System.out.println("What simulated agents log: " + log);
    Process chaos = new ProcessBuilder(words).redirectError(log.toFile()).start();
    Runtime.getRuntime().addShutdownHook(new Thread(chaos::destroy));
    String last = "";
    try (BufferedReader said = chaos.inputReader(StandardCharsets.UTF_8)) {
      for (String line = said.readLine(); line != null; line = said.readLine()) {
        System.out.println(line);
        last = line;
      }
    }
    assertEquals(0, chaos.waitFor(), last);
    assertTrue(Files.readString(table).lines().count() > 2, "no fault happened");
  }
}
