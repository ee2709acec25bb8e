// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Servers in namespaces that tell from which source they are asked, and who asks them. */
final class SourceServers implements AutoCloseable {
  private final Path script;
  private final List<Peer> servers = new ArrayList<>();

  /**
   * @param folder for the script
   */
  SourceServers(Path folder) throws IOException {
    script = Peer.script(folder, "translated.py");
  }

  /** Starts one; it ends with this. */
  Peer serve(String namespace) throws IOException {
    Peer server = Peer.start(namespace, script, "serve");
    servers.add(server);
    assertEquals("ready", server.read());
    return server;
  }

  /** Has the script do something, in words that it knows, and say what came of it. */
  String say(String namespace, String... words) throws IOException {
    try (Peer peer = Peer.start(namespace, script, words)) {
      return peer.read();
    }
  }

  @Override
  public void close() {
    servers.reversed().forEach(Peer::close);
  }
}
