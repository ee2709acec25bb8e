// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.net;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a plugin may leave on a host besides interfaces.
 *
 * @param rules the lines of nftables' rules without counters, "" where there is no nft
 */
public record Traces(Set<String> interfaces, Set<String> routes, List<String> rules) {
  public static Traces of(Namespace host) {
    return new Traces(host.names(), new TreeSet<>(host.routes()), rules(host));
  }

  /** Waits a while until the host looks like this, and says how it looked at last. */
  public static Traces awaitEqual(Namespace host, Traces expected) {
    var _ = Waiting.until(() -> of(host).equals(expected));
    return of(host);
  }

  private static List<String> rules(Namespace host) {
    List<String> command = new ArrayList<>();
    if (!host.path().isEmpty()) {
      command.addAll(List.of("nsenter", "--net=" + host.path()));
    }
    command.addAll(List.of("nft", "--stateless", "list", "ruleset"));
    try {
      return Ip.runProgram(command).lines().map(String::strip).toList();
    } catch (UncheckedIOException | IpException noNft) {
      return List.of();
    }
  }

  /** Continues a sentence: "there is more: ..., and less: ...". */
  public String against(Traces before) {
    Set<String> more = all();
    more.removeAll(before.all());
    Set<String> less = before.all();
    less.removeAll(all());
    if (more.isEmpty() && less.isEmpty()) {
      return "its firewall rules are in another order or number";
    }
    return "there is more: " + more + ", and less: " + less;
  }

  private Set<String> all() {
    Set<String> all = new LinkedHashSet<>(interfaces);
    all.addAll(routes);
    all.addAll(rules);
    return all;
  }
}
