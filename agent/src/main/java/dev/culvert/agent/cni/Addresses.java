// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.datapath.IpPrefix;
import java.net.InetAddress;
import java.util.List;

/** Addresses as runtimes write them, with a prefix length or without. */
final class Addresses {
  private Addresses() {}

  /** The length is the runtime's guess: every container has its subnet's gateway behind it. */
  static List<InetAddress> parse(List<String> texts) {
    return texts.stream()
        .map(text -> text.contains("/") ? text.substring(0, text.indexOf('/')) : text)
        .map(IpPrefix::parseAddress)
        .toList();
  }
}
