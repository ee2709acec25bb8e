// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The network namespaces that the kit makes, and removes again. Their names bear the kit's process
 * number, by which a later kit finds those of one that was killed. Safe for use by several threads.
 */
public final class Namespaces implements AutoCloseable {
  private static final String PREFIX = "confkit-";

  private final Set<Namespace> made = new LinkedHashSet<>();
  private int count;
  private boolean closed;

  /** Removes what kits left that live no more. */
  public static void sweep() {
    for (String line : Ip.run("netns", "list").lines().toList()) {
      String name = line.replaceFirst(" .*", "");
      String[] parts = name.split("-", -1);
      if (name.startsWith(PREFIX) && parts.length == 3 && parts[1].matches("\\d{1,9}")) {
        if (ProcessHandle.of(Long.parseLong(parts[1])).isEmpty()) {
          var _ = Ip.run("netns", "del", name);
        }
      }
    }
  }

  /** Whether ip-netns(8) knows the name. */
  public static boolean exists(String name) {
    return Files.exists(Path.of("/run/netns", name));
  }

  /** A new one, with its loopback up, as runtimes make it before they call a plugin. */
  public synchronized Namespace create() {
    if (closed) {
      throw new StoppedException();
    }
    Namespace namespace = new Namespace(PREFIX + ProcessHandle.current().pid() + "-" + ++count);
    made.add(namespace);
    var _ = Ip.run("netns", "add", namespace.name());
    var _ = namespace.ip("link", "set", "lo", "up");
    return namespace;
  }

  /** Removes one; a second time is no fault. */
  public synchronized void remove(Namespace namespace) {
    if (made.remove(namespace)) {
      delete(namespace);
    }
  }

  private static void delete(Namespace namespace) {
    try {
      var _ = Ip.run("netns", "del", namespace.name());
    } catch (IpException e) {
      // Somebody else took it away, or it was never made whole: all that matters is that it is
      // gone.
      if (Ip.run("netns", "list").lines().anyMatch(line -> isOf(line, namespace))) {
        throw e;
      }
    }
  }

  private static boolean isOf(String line, Namespace namespace) {
    return line.equals(namespace.name()) || line.startsWith(namespace.name() + " ");
  }

  @Override
  public synchronized void close() {
    closed = true;
    List.copyOf(made).forEach(this::remove);
  }
}
