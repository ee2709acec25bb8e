// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench.endtoend.peer;

import dev.culvert.lab.Command;
import dev.culvert.lab.Lab;
import dev.culvert.lab.Namespaces;
import dev.culvert.lab.Shell;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tries in a namespace of its own what a contestant needs. A kernel with modules loads them for
 * that by itself, as it would for anybody who uses the device.
 */
public final class KernelSupport implements AutoCloseable {
  private static final String NAMESPACE = "culvert-x-probe";

  private final Shell shell;
  private final Namespaces namespaces;

  public KernelSupport(Lab lab) {
    this.shell = lab.shell();
    this.namespaces = new Namespaces(shell);
    lab.state().claimNamespaces(List.of(NAMESPACE));
    namespaces.create(List.of(NAMESPACE));
  }

  /** Those that cannot take part, each with what the kernel said. */
  public Map<Peer, String> lacking(List<Peer> peers) {
    Map<Peer, String> lacking = new LinkedHashMap<>();
    for (Peer peer : peers) {
      if (!peer.probe().isEmpty()) {
        String lines = String.join("\n", peer.probe()) + "\n";
        Shell.Result result =
            shell.run(Command.of("ip", "-batch", "-").in(NAMESPACE).reading(lines));
        if (!result.ok()) {
          lacking.put(peer, result.err().strip().lines().findFirst().orElse("no reason given"));
        }
        // The next probe's device has the same name.
        var _ = shell.run(Command.of("ip", "link", "del", "probe").in(NAMESPACE));
      }
    }
    return lacking;
  }

  @Override
  public void close() {
    namespaces.delete(List.of(NAMESPACE));
  }
}
