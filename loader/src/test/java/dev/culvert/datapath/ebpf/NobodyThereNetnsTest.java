// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath;
import dev.culvert.datapath.ebpf.TwoHosts.Host;
import dev.culvert.testing.RequiresRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever connects to an address that nobody has hears so at once, and does not wait. */
@RequiresRoot
@Tag("netns")
class NobodyThereNetnsTest {
  private static final int PORT = 4789;

  /** No such container here, none there, no such subnet; of both families. */
  private static final List<String> NOBODY =
      List.of(
          "10.244.1.99",
          "10.244.2.99",
          "10.244.77.1",
          "fd00:244:1::99",
          "fd00:244:2::99",
          "fd00:244:77::1");

  /** Connects to each address that it is told; says for each how that ended within two seconds. */
  private static final String CONNECT =
      """
      import errno, socket, sys
      for address in sys.argv[1:]:
          s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
          s.settimeout(2)
          try:
              s.connect((address, 80))
              print(address, "connected")
          except TimeoutError:
              print(address, "timeout")
          except OSError as e:
              print(address, errno.errorcode[e.errno])
      """;

  @TempDir Path folder;

  @ParameterizedTest(name = "underlay of IPv6: {0}")
  @ValueSource(booleans = {false, true})
  void containersAndHostsAreTold(boolean underlay6) throws Exception {
    try (TwoHosts hosts = new TwoHosts("cv-no", underlay6);
        EbpfDatapath first = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
        EbpfDatapath _ = hosts.startCulvert(hosts.host(2), hosts.host(1), PORT)) {
      tells(hosts.host(1), first, hosts.host(2));
    }
  }

  @Test
  void withoutEbpfToo() throws Exception {
    try (TwoHosts hosts = new TwoHosts("cv-no");
        Datapath first = hosts.startUserspace(hosts.host(1), hosts.host(2), PORT);
        Datapath _ = hosts.startUserspace(hosts.host(2), hosts.host(1), PORT)) {
      tells(hosts.host(1), first, hosts.host(2));
    }
  }

  private void tells(Host one, Datapath datapath, Host two) throws Exception {
    List<String> there = List.of(two.containerAddress(), two.containerAddress6());
    assertEquals(all(there, "ECONNREFUSED"), connect(one.container(), there));
    assertEquals(all(NOBODY, "EHOSTUNREACH"), connect(one.container(), NOBODY));
    assertEquals(all(NOBODY, "EHOSTUNREACH"), connect(one.namespace(), NOBODY));
    // The other host's lease ends.
    datapath.apply(
        List.of(new Change.RemoveSubnet(two.subnet()), new Change.RemoveSubnet(two.subnet6())));
    assertEquals(all(there, "EHOSTUNREACH"), connect(one.container(), there));
  }

  /** A service whose backend is gone: the answer finds its way back through the translation. */
  @Test
  void aServiceWithoutBackendIsToldOf() throws Exception {
    try (TwoHosts hosts = new TwoHosts("cv-no");
        EbpfDatapath _ = hosts.startCulvert(hosts.host(1), hosts.host(2), PORT);
        EbpfDatapath _ = hosts.startCulvert(hosts.host(2), hosts.host(1), PORT)) {
      Host one = hosts.host(1);
      Path rules = folder.resolve("rules");
      Files.writeString(
          rules,
          """
          table inet service {
            chain before {
              type nat hook prerouting priority dstnat;
              ip daddr 10.96.0.1 dnat ip to 10.244.1.99
              ip daddr 10.96.0.2 dnat ip to 10.244.2.99
              ip6 daddr fd00:96::1 dnat ip6 to fd00:244:1::99
            }
          }
          """);
      one.run("nft -f " + rules);
      List<String> services = List.of("10.96.0.1", "10.96.0.2", "fd00:96::1");
      assertEquals(all(services, "EHOSTUNREACH"), connect(one.container(), services));
    }
  }

  private static Map<String, String> all(List<String> addresses, String end) {
    Map<String, String> all = new TreeMap<>();
    addresses.forEach(address -> all.put(address, end));
    return all;
  }

  private Map<String, String> connect(String namespace, List<String> addresses) throws Exception {
    Path script = folder.resolve("connect.py");
    Files.writeString(script, CONNECT);
    Map<String, String> ends = new TreeMap<>();
    Commands.in(namespace, "python3 " + script + " " + String.join(" ", addresses))
        .lines()
        .map(line -> line.split(" ", 2))
        .forEach(words -> ends.put(words[0], words[1]));
    return ends;
  }
}
