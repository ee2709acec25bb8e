// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A Python script of the tests' resources that runs inside a namespace and is spoken with by lines.
 */
final class Peer implements AutoCloseable {
  private final Process process;
  private final BufferedReader lines;
  private final PrintWriter questions;

  private Peer(Process process) {
    this.process = process;
    this.lines = process.inputReader();
    this.questions = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
  }

  /** Copies a script of this package's resources to where a namespace can start it. */
  static Path script(Path folder, String name) throws IOException {
    Path script = folder.resolve(name);
    try (InputStream in = Peer.class.getResourceAsStream(name)) {
      Files.copy(in, script);
    }
    return script;
  }

  static Peer start(String namespace, Path script, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of("ip", "netns", "exec", namespace, "/usr/bin/python3", script.toString()));
    command.addAll(List.of(arguments));
    return new Peer(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** The next line; null when the script has ended. */
  String read() throws IOException {
    return lines.readLine();
  }

  String ask(String question) throws IOException {
    tell(question);
    return read();
  }

  /** A line that has no answer. */
  void tell(String line) {
    questions.println(line);
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
