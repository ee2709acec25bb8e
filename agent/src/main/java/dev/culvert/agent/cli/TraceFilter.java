// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.trace.TraceEvent;
import java.net.InetAddress;
import java.util.Optional;

/** Which packets a person wants to see, by inner addresses. */
record TraceFilter(Optional<IpPrefix> source, Optional<IpPrefix> destination) {
  /** Reads a prefix, or an address, which is the prefix of itself. */
  static IpPrefix parse(String text) {
    if (text.contains("/")) {
      return IpPrefix.parse(text);
    }
    InetAddress address = IpPrefix.parseAddress(text);
    return IpPrefix.of(address);
  }

  /** A packet without readable addresses matches only where none is asked for. */
  boolean matches(TraceEvent event) {
    if (source.isEmpty() && destination.isEmpty()) {
      return true;
    }
    return event
        .headers()
        .ip()
        .filter(ip -> source.map(prefix -> prefix.contains(ip.source())).orElse(true))
        .filter(ip -> destination.map(prefix -> prefix.contains(ip.destination())).orElse(true))
        .isPresent();
  }
}
