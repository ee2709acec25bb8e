// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.datapath.host.Fixture;
import dev.culvert.kernel.Libc;
import dev.culvert.testing.RequiresRoot;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;

/** Where programs carry the packets. */
@RequiresRoot
@Tag("netns")
class DisturbancesNetnsTest extends DisturbancesTests<EbpfDatapath> {
  DisturbancesNetnsTest() {
    super("cv-dist");
  }

  @Override
  EbpfDatapath start(TwoHosts hosts, TwoHosts.Host own, TwoHosts.Host other) throws Exception {
    return hosts.startCulvert(own, other, 4789);
  }

  @Override
  List<Fixture> fixtures(EbpfDatapath datapath) {
    return datapath.fixtures();
  }

  @Override
  String programs(EbpfDatapath datapath, TwoHosts.Host host) {
    return EbpfDatapath.inspect(Libc.system(), host.pins()).attachments().stream()
        .map(a -> a.program() + " " + a.interfaceIndex().isPresent())
        .sorted()
        .collect(Collectors.joining("\n"));
  }

  @Override
  String table() {
    return "disturbances.md";
  }
}
