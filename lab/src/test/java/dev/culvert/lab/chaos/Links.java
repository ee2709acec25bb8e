// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import dev.culvert.lab.Command;
import dev.culvert.lab.Namespaces;
import dev.culvert.lab.Shell;
import java.time.Duration;
import java.util.List;

/**
 * One network of namespaces, around a bridge in the namespace that this process is in; links are
 * cut by nftables in the namespaces at their ends.
 */
final class Links {
  /** Of any command here: on a busy machine each takes its time. */
  static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final String TABLE = "inet chaos";

  private final Shell shell;
  private final String lan;

  /**
   * @param lan the bridge's name, which begins those of its ports
   */
  Links(Shell shell, String lan) {
    this.shell = shell;
    this.lan = lan;
  }

  /** The bridge, with an address of this process's own. */
  void build(String address) {
    run("ip", "link", "set", "lo", "up");
    run("ip", "link", "add", lan, "type", "bridge");
    run("ip", "address", "add", address + "/24", "dev", lan);
    run("ip", "link", "set", lan, "up");
  }

  /** Makes a namespace that is part of the network. */
  void join(String namespace, int number, String address) {
    new Namespaces(shell).create(List.of(namespace));
    String port = lan + number;
    run("ip", "-n", namespace, "link", "set", "lo", "up");
    run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    run("ip", "link", "set", port, "master", lan, "up");
    run("ip", "-n", namespace, "address", "add", address + "/24", "dev", "eth0");
    run("ip", "-n", namespace, "link", "set", "eth0", "up");
  }

  /** The reverse of {@link #join}: nothing of the namespace's kernel stays. */
  void remove(String namespace, int number) {
    run("ip", "link", "delete", lan + number); // at once; with its namespace it would go later
    new Namespaces(shell).delete(List.of(namespace));
  }

  /**
   * Cuts a namespace off from whoever it talks to by a TCP port, its own or theirs; not from
   * itself, by which etcd's gateway reaches its etcd.
   *
   * @param verdict {@code drop}, or {@code reject with tcp reset} for breaking what stands
   */
  void cut(String namespace, int port, String verdict) {
    String rules =
        """
        table %1$s {
          chain in {
            type filter hook input priority 0;
            iifname "lo" accept
            tcp dport %2$d %3$s
            tcp sport %2$d %3$s
          }
          chain out {
            type filter hook output priority 0;
            oifname "lo" accept
            tcp dport %2$d %3$s
            tcp sport %2$d %3$s
          }
        }
        """
            .formatted(TABLE, port, verdict);
    shell.check(Command.of("nft", "-f", "-").in(namespace).reading(rules).within(PATIENCE));
  }

  void mend(String namespace) {
    shell.check(Command.of("nft", "delete table " + TABLE).in(namespace).within(PATIENCE));
  }

  private void run(String... words) {
    shell.check(Command.of(words).within(PATIENCE));
  }
}
