// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.agent.output.Json;
import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.LeaseEvent;
import dev.culvert.control.LeaseStore;
import dev.culvert.control.store.DirectoryLeaseStore;
import dev.culvert.datapath.Vtep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** "culvert store" on a directory, as an operator uses it. */
class StoreCommandsTest extends CommandLineFixture {
  private Path leases;
  private LeaseStore store;

  @BeforeEach
  void openStore() throws Exception {
    leases = folder.resolve("leases");
    store = new DirectoryLeaseStore(leases);
    Files.writeString(
        folder.resolve("culvert.yaml"),
        """
        host: host-01
        network: 10.244.0.0/16
        underlay: {interface: eth0}
        store: {directory: %s}
        """
            .formatted(leases));
  }

  @AfterEach
  void closeStore() {
    store.close();
  }

  private Outcome store(String... arguments) {
    String[] all = new String[arguments.length + 3];
    all[0] = "store";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    all[all.length - 2] = "--config";
    all[all.length - 1] = folder.resolve("culvert.yaml").toString();
    return culvert(all);
  }

  private Lease claim(String prefix, String host, Vtep vtep, Optional<Lease.Term> term) {
    Lease wanted = new Lease(subnet(prefix), new HostName(host), vtep, 0, term);
    return ((LeaseStore.Result.Done) store.acquire(wanted)).lease();
  }

  private Lease claim(String prefix, String host, Vtep vtep) {
    return claim(
        prefix,
        host,
        vtep,
        Optional.of(
            Lease.Term.from(Instant.now().minus(Duration.ofMinutes(10)), Duration.ofHours(24))));
  }

  @Test
  void listsWhoHasWhatAndForHowLong() {
    assertEquals("The store holds no lease.\n", store("list").out());
    Lease renewed = claim("10.244.1.0/24", "host-01", HERE);
    claim("10.244.2.0/24", "cellar", THERE, Optional.empty());

    List<String> lines = store("list").out().lines().toList();
    assertEquals(3, lines.size());
    assertEquals(
        List.of("HOST", "SUBNET", "VNI", "VTEP", "GENERATION", "RENEWED", "EXPIRES"),
        List.of(lines.get(0).split(" +")));
    assertTrue(
        lines
            .get(1)
            .matches(
                "host-01 +10\\.244\\.1\\.0/24 +1 +10\\.17\\.2\\.2:4789 .* 1  10 min ago +in 23 h"),
        lines.get(1));
    assertTrue(lines.get(2).endsWith("-           never"), lines.get(2));

    List<?> json = (List<?>) Json.parseObject(store("list", "--json").out()).get("leases");
    Map<?, ?> first = (Map<?, ?>) json.getFirst();
    assertEquals("host-01", first.get("host"));
    assertEquals(renewed.expires().orElseThrow().toString(), first.get("expires"));
    assertEquals(2, json.size());
  }

  @Test
  void findsTheStoreByTheAgentThatWasHere() throws Exception {
    claim("10.244.2.0/24", "host-02", THERE);
    assertOneSentence(
        1,
        "The agent of host host-01 left no word of its configuration; name it with --config FILE.",
        here("store", "list"));
    Files.writeString(
        run.resolve("host-01.lock"),
        "1 2026-11-23T10:00:00Z " + folder.resolve("culvert.yaml") + "\n");
    assertTrue(here("store", "list").out().contains("host-02"));
  }

  @Test
  void showsALeaseAsItCanBeWrittenBack() throws Exception {
    claim("10.244.2.0/24", "host-02", THERE);
    String stored = Files.readString(leases.resolve("10.244.2.0-24.lease"));
    assertEquals(stored, store("get", "10.244.2.0/24").out());
    assertEquals(stored, store("get", "host-02").out());
    assertOneSentence(
        1,
        "The store holds no lease of 10.244.3.0/24; \"culvert store list\" shows those that there"
            + " are.",
        store("get", "10.244.3.0/24"));
  }

  @Test
  void releasesWhatASilentHostHeld() {
    claim("10.244.2.0/24", "host-02", THERE);
    assertOneSentence(
        1,
        "The lease of 10.244.2.0/24 (VNI 1) is held by host-02; to release it, say so: --holder"
            + " host-02.",
        store("release", "10.244.2.0/24"));
    assertOneSentence(
        1,
        "The lease of 10.244.2.0/24 (VNI 1) is held by host-02 and not by host-03; nothing was"
            + " changed.",
        store("release", "10.244.2.0/24", "--holder", "host-03"));
    assertEquals(1, store.list().size());

    Outcome outcome = store("release", "10.244.2.0/24", "--holder", "host-02");
    assertEquals("released 10.244.2.0/24 (VNI 1) of host-02\n", outcome.out(), outcome.toString());
    assertEquals(List.of(), store.list());
  }

  /** A living holder answers by renewing, as an agent does. */
  @Test
  void keepsTheLeaseOfAHostThatLivesUnlessItIsForced() throws Exception {
    Lease held = claim("10.244.2.0/24", "host-02", THERE);
    try (AutoCloseable _ =
        store.watch(event -> {
          if (event instanceof LeaseEvent.Announced(long _, Lease lease)
              && lease.generation() == held.generation() + 1) {
            store.renew(lease, lease);
          }
        })) {
      Outcome refused = store("release", "host-02");
      assertEquals(1, refused.exitCode());
      assertTrue(
          refused
              .err()
              .startsWith(
                  "culvert: The lease of 10.244.2.0/24 (VNI 1) of host-02 stays: somebody answered"
                      + " for it just now, so its host lives at 10.18.2.2:4789"),
          refused.err());
      assertEquals(1, store.list().size());
    }
    assertEquals(0, store("release", "host-02", "--force").exitCode());
    assertEquals(List.of(), store.list());
  }

  @Test
  void releasesAStaticLeaseOnlyByForce() {
    claim("10.244.2.0/24", "cellar", THERE, Optional.empty());
    Outcome refused = store("release", "cellar");
    assertEquals(1, refused.exitCode());
    assertTrue(refused.err().contains("is static: somebody wrote it by hand"), refused.err());
    assertEquals(0, store("release", "cellar", "--force").exitCode());
    assertEquals(List.of(), store.list());
  }

  @Test
  void checksAndSaysWhatIsWrong() throws Exception {
    claim("10.244.1.0/24", "host-01", HERE);
    Outcome well = store("check");
    assertEquals(0, well.exitCode());
    assertEquals("1 lease, all well\n", well.out());

    claim("10.244.3.0/24", "host-03", HERE);
    claim("10.245.1.0/24", "host-04", vtep("10.17.2.4"));
    claim("10.244.5.0/24", "host-05", vtep("10.244.5.1"));
    claim("10.244.6.0/24", "host-05", vtep("10.17.2.5"));
    claim(
        "10.244.7.0/24",
        "host-07",
        vtep("10.17.2.7"),
        Optional.of(
            Lease.Term.from(Instant.now().plus(Duration.ofHours(5)), Duration.ofHours(24))));
    Files.writeString(leases.resolve("wrong.lease"), "nonsense");
    Files.writeString(
        leases.resolve("wide.lease"),
        "subnet = 10.244.6.0/23\nvni = 1\nhost = wide\naddress = 10.17.2.8\nmac = 02:00:00:00:00:08\n");

    Outcome ill = store("check");
    assertEquals(1, ill.exitCode());
    assertEquals("", ill.err());
    for (String part :
        List.of(
            "wrong.lease is malformed, line 1",
            "overlap (10.244.6.0/23 (VNI 1) of wide, 10.244.6.0/24 (VNI 1) of host-05)",
            "The lease of 10.245.1.0/24 (VNI 1) of host-04 is outside the network 10.244.0.0/16",
            "The lease of 10.244.5.0/24 (VNI 1) of host-05 names a VTEP inside the network",
            "host-05 has two leases of one IP family, 10.244.5.0/24 (VNI 1) and 10.244.6.0/24",
            "The clock of host-07 was 5 hours ahead of this machine's when it renewed",
            "The leases of host-01 and host-03 name one VTEP address, 10.17.2.2")) {
      assertTrue(ill.out().contains(part), part + " is not in " + ill.out());
    }
    Map<String, Object> json = Json.parseObject(store("check", "--json").out());
    assertEquals(false, json.get("ok"));
    assertEquals(7L, json.get("leases"));
  }

  @Test
  void showsAndChangesWhatHostsAgreeOn() throws Exception {
    assertEquals(
        "The store says nothing of the network with VNI 1; its first agent will.\n",
        store("network").out());
    String written =
        """
        # Written by Culvert; see docs/network.md.
        network = 10.244.0.0/16
        subnetLength = 24
        vni = 1
        port = 4789
        directRouting = true
        reserved = 10.244.100.0/22
        subnet.host-07 = 10.244.7.0/24
        """;
    claim("10.244.7.0/24", "host-03", THERE);
    Outcome outcome =
        store(
            "network",
            "--set",
            "subnet.host-07=10.244.7.0/24",
            "--set",
            "reserved=10.244.100.0/22");
    assertEquals(
        written
            + "# host-03 holds 10.244.7.0/24, which is reserved for host-07 now; it keeps it until it"
            + " leaves.\n",
        outcome.out(),
        outcome.err());
    assertEquals(written, Files.readString(leases.resolve("vni-1.network")));
    assertEquals(written, store("network").out());
    assertEquals(
        written.replace("reserved = 10.244.100.0/22\n", ""),
        store("network", "--unset", "reserved").out().replaceFirst("# host-03.*\n", ""));

    assertOneSentence(
        1,
        "1 lease is by what is in the store now (network is 10.244.0.0/16 there and 10.245.0.0/16"
            + " here), and no host changes over while it runs: let them leave first, or say --force,"
            + " and start each anew with a file that agrees.",
        store("network", "--set", "network=10.245.0.0/16", "--unset", "subnet.host-07"));
    assertOneSentence(
        1,
        "That is no network: line 7: reserved: \"10.9\" is not a prefix: write address/length, such"
            + " as 10.244.1.0/24.",
        store("network", "--set", "reserved=10.9"));
    assertOneSentence(
        1,
        "The network in the store says nothing of reserved.",
        store("network", "--unset", "reserved"));
    assertEquals(0, store("network", "--set", "port=8472").exitCode());
    assertFalse(store("check").out().contains("contradicts"), "what a file leaves out follows");
    Path config = folder.resolve("culvert.yaml");
    Files.writeString(config, Files.readString(config) + "port: 4789\n");
    Outcome check = store("check");
    assertEquals(1, check.exitCode());
    assertTrue(
        check
            .out()
            .contains(
                "The configuration contradicts the network in the store: port is 8472 there and 4789"
                    + " here."),
        check.out());
    assertEquals(
        "10.244.0.0/16",
        ((Map<?, ?>) Json.parseObject(store("network", "--json").out()).get("network"))
            .get("network"));
  }

  @Test
  void writesAChangeThatHostsFollowAndNoSecondOneBeforeItIsOver() throws Exception {
    claim("10.244.3.0/24", "host-03", THERE);
    Outcome changed = store("network", "--set", "port=8472", "--set", "vni=7");
    assertEquals(
        """
        # Written by Culvert; see docs/network.md.
        network = 10.244.0.0/16
        subnetLength = 24
        vni = 1
        port = 8472
        directRouting = true
        wireVni = 7
        change = 1
        former.port = 4789
        former.directRouting = true
        # 1 host goes over from port 4789, direct routing to port 8472, direct routing, VNI 7 on the wire; "culvert status" says how far.
        """,
        changed.out(),
        changed.err());
    Map<String, Object> json = Json.parseObject(store("network", "--json").out());
    assertEquals("7", json.get("wireVni"));
    Map<String, Object> change = new HashMap<>();
    change.put("number", 1L);
    change.put("formerPort", 4789L);
    change.put("formerDirectRouting", true);
    change.put("formerWireVni", null);
    assertEquals(change, json.get("change"));
    assertOneSentence(
        1,
        "Change 1 is not over yet: host-03 may still send as before it, and hosts take two kinds of"
            + " packets at most; nothing was written. Wait, or release the leases of hosts that are"
            + " gone for good.",
        store("network", "--set", "directRouting=false"));
    assertEquals(0, store("network", "--set", "reserved=10.244.100.0/22").exitCode());

    Lease held = store.list().getFirst();
    var _ =
        store.renew(
            held,
            new Lease(
                held.subnet(),
                held.host(),
                held.vtep(),
                held.generation(),
                held.term(),
                new Lease.Stage(1, 1)));
    Outcome back = store("network", "--set", "vni=1");
    assertTrue(back.out().contains("change = 2\n"), back.out() + back.err());
    assertTrue(back.out().contains("former.wireVni = 7\n"), back.out());
    assertFalse(back.out().contains("\nwireVni"), back.out());
  }

  /** Also with --force: such packets would be two networks' at once. */
  @Test
  void refusesTheVniOfAnotherNetwork() throws Exception {
    store("network", "--set", "port=4789");
    var other =
        new Lease(
            new dev.culvert.datapath.Subnet(
                new dev.culvert.datapath.Vni(7),
                dev.culvert.datapath.IpPrefix.parse("10.99.1.0/24")),
            new HostName("host-99"),
            THERE,
            0,
            Optional.empty());
    var _ = store.acquire(other);
    String before = Files.readString(leases.resolve("vni-1.network"));
    assertOneSentence(
        1,
        "VNI 7 is another network's in this store; nothing was written. Choose one that none has.",
        store("network", "--force", "--set", "vni=7"));
    assertEquals(before, Files.readString(leases.resolve("vni-1.network")));
    assertFalse(Files.exists(leases.resolve("vni-7.network")));
  }

  @Test
  void aNetworkThatMakesNoSenseIsToldAndStays() throws Exception {
    Files.writeString(leases.resolve("vni-1.network"), "port = x\n");
    Outcome check = store("check");
    assertEquals(1, check.exitCode());
    assertTrue(check.out().contains("vni-1.network is malformed, line 1: "), check.out());
    assertEquals(1, store("network", "--set", "port=8472").exitCode());
    assertEquals("port = x\n", Files.readString(leases.resolve("vni-1.network")));
  }

  /** An empty mount point must not become a lease directory because somebody looked at it. */
  @Test
  void makesNoStoreWhereNoneIs() throws Exception {
    Path config = folder.resolve("culvert.yaml");
    Path elsewhere = folder.resolve("not-mounted");
    Files.writeString(
        config, Files.readString(config).replace(leases.toString(), elsewhere.toString()));
    for (String command : List.of("list", "check")) {
      assertOneSentence(
          1,
          "There is no lease directory at "
              + elsewhere
              + ": it is not mounted, or no agent has used it yet.",
          store(command));
    }
    assertFalse(Files.exists(elsewhere));
  }

  @Test
  void asksForACommand() {
    assertEquals(2, culvert("store").exitCode());
    assertEquals(2, culvert("store", "get").exitCode());
  }
}
