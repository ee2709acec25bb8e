// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.Change;
import dev.culvert.datapath.Datapath.Failure;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.LocalSubnet;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.NextHop;
import dev.culvert.datapath.RemoteSubnet;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SubnetTableTest {
  private static final Vni VNI = new Vni(77);
  private static final Vtep LOCAL = vtep("10.17.2.2", "02:00:0a:11:02:02");
  private static final Vtep REMOTE = vtep("10.18.2.2", "02:00:0a:12:02:02");

  private final MemoryMap subnets4 = new MemoryMap("subnets4", 12, 136, 100);
  private final MemoryMap subnets6 = new MemoryMap("subnets6", 24, 136, 100);

  private final MemoryMap vteps = new MemoryMap("vteps", 16, 8, 100);
  private final MemoryMap paths = new MemoryMap("paths", 4, 16, 100);
  private final TrafficTable traffic = new TrafficTable(new MemoryMap("vtep_traffic", 4, 32, 100));

  private SubnetTable table() {
    return table(subnets4);
  }

  private SubnetTable table(MemoryMap families4) {
    return new SubnetTable(families4, subnets6, noExact(), new VtepTable(vteps, paths, traffic));
  }

  /** As fresh as a new host's. */
  private static ExactSubnets noExact() {
    return new ExactSubnets(
        new MemoryMap("exact4", 8, 136, 100),
        new MemoryMap("exact6", 20, 136, 100),
        new MemoryMap("masks", 4, 24, 1));
  }

  @Test
  void writesTheEntryThatTheProgramReads() {
    assertEquals(
        List.of(), table().apply(List.of(put("10.244.2.0/24", REMOTE, hop("10.17.2.1", false)))));

    // prefix length 32 + 24 in the host's order (little-endian here), VNI and address big-endian
    String key = "38000000" + "0000004d" + "0af40200";
    String value =
        "00000000" // no flags
            + "07000000" // ifindex 7
            + "aa050000" // 1450
            + "01000000" // the first VTEP
            + "00000000000000000000ffff0a120202"
            + "00000000000000000000ffff0a110201"
            + "0000000000000000000000000800" // and the header of HeaderTemplateTest.ipv4InIpv4
            + "4500000000004000401122c70a1102020a120202"
            + "000012b500000000"
            + "0800000000004d00"
            + "02000a12020202000a1102020800"
            + "00".repeat(24);
    assertEquals(java.util.Map.of(key, value), subnets4.hex());
  }

  @Test
  void readsBackWhatItWrote() {
    RemoteSubnet routed = remote("10.244.2.0/24", REMOTE, hop("10.17.2.1", false), false);
    RemoteSubnet direct = remote("10.244.3.0/24", REMOTE, hop("10.18.2.2", true), true);
    RemoteSubnet unreachable = remote("10.244.4.0/24", REMOTE, Optional.empty(), false);
    RemoteSubnet inner6 = remote("fd44:2::/64", REMOTE, hop("10.17.2.1", false), false);
    Vtep local6 = vtep("fd17::2", "02:00:0a:11:02:02");
    RemoteSubnet underlay6 =
        new RemoteSubnet(
            new Subnet(VNI, IpPrefix.parse("10.244.5.0/24")),
            local6,
            vtep("fd18::2", "02:00:0a:12:02:02"),
            Optional.of(
                new NextHop(7, local6.address(), InetAddress.ofLiteral("fe80::1"), 1500, false)),
            false);
    LocalSubnet local = new LocalSubnet(new Subnet(VNI, IpPrefix.parse("10.244.1.0/24")), 9);

    List<Change> changes =
        List.of(
            new Change.PutRemote(routed),
            new Change.PutRemote(direct),
            new Change.PutRemote(unreachable),
            new Change.PutRemote(inner6),
            new Change.PutRemote(underlay6),
            new Change.PutLocal(local));
    assertEquals(List.of(), table().apply(changes));

    List<RemoteSubnet> remotes = new ArrayList<>();
    List<LocalSubnet> locals = new ArrayList<>();
    table().read(4789, remotes, locals);
    assertEquals(List.of(routed, direct, unreachable, underlay6, inner6), remotes);
    assertEquals(List.of(local), locals);
  }

  @Test
  void runsOfPutsAndRemovesGoInBatchesAndInOrder() {
    List<Change> changes = new ArrayList<>();
    IntStream.range(0, 10).forEach(i -> changes.add(put(i)));
    changes.add(new Change.RemoveSubnet(subnet(3)));
    changes.add(put("fd44::/64", REMOTE, Optional.empty())); // other map: interrupts nothing
    changes.add(new Change.RemoveSubnet(subnet(4)));
    changes.add(put(3));

    assertEquals(List.of(), table().apply(changes));

    assertEquals(List.of("putAll 10", "removeAll 2", "putAll 1"), subnets4.log);
    assertEquals(List.of("putAll 1"), subnets6.log);
    assertEquals(9, subnets4.hex().size());
  }

  @Test
  void longRunsAreCut() {
    MemoryMap big = new MemoryMap("subnets4", 12, 136, 10_000);
    List<Change> changes = new ArrayList<>();
    IntStream.range(0, SubnetRun.MAX_ENTRIES + 1).forEach(i -> changes.add(put(i)));
    assertEquals(List.of(), table(big).apply(changes));
    assertEquals(List.of("putAll " + SubnetRun.MAX_ENTRIES, "putAll 1"), big.log);
  }

  @Test
  void aFullMapFailsTheChangesThatDoNotFitAndNoOthers() {
    MemoryMap small = new MemoryMap("subnets4", 12, 136, 3);
    List<Change> changes = IntStream.range(0, 5).<Change>mapToObj(SubnetTableTest::put).toList();

    List<Failure> failures = table(small).apply(changes);

    assertEquals(changes.subList(3, 5), failures.stream().map(Failure::change).toList());
    String message = failures.getFirst().cause().getMessage();
    assertTrue(message.startsWith("The map subnets4 is full (3 entries)"), message);
    assertTrue(message.contains("10.200.0.48/28 (VNI 77)"), message);
    assertEquals(3, small.hex().size());
  }

  @Test
  void aChangeThatCannotBeEncodedFailsAlone() {
    Change wrong = put("10.244.9.0/24", vtep("fd18::2", "02:00:0a:12:02:02"), Optional.empty());
    List<Failure> failures = table().apply(List.of(put(0), wrong, put(1)));
    assertEquals(List.of(wrong), failures.stream().map(Failure::change).toList());
    assertInstanceOf(IllegalArgumentException.class, failures.getFirst().cause());
    assertEquals(2, subnets4.hex().size());
  }

  @Test
  void aVtepKeepsItsIdAcrossChangesAndRestarts() {
    Vtep other = vtep("10.19.2.2", "02:00:0a:13:02:02");
    SubnetTable before = table();
    before.apply(
        List.of(
            put("10.244.2.0/24", REMOTE, Optional.empty()),
            put("10.244.3.0/24", other, Optional.empty())));
    SubnetTable after = table();
    Vtep newcomer = vtep("10.20.2.2", "02:00:0a:14:02:02");
    after.apply(
        List.of(
            put("10.244.6.0/24", newcomer, Optional.empty()),
            put("10.244.7.0/24", other, Optional.empty()),
            put("10.244.8.0/24", REMOTE, Optional.empty())));
    assertEquals("01000000", vtepId("0af40800"));
    assertEquals("02000000", vtepId("0af40700"));
    assertEquals("03000000", vtepId("0af40600"));
  }

  private String vtepId(String address) {
    return subnets4.hex().get("38000000" + "0000004d" + address).substring(24, 32);
  }

  private static Change put(int number) {
    String prefix =
        "10." + (200 + number / 4096) + "." + number / 16 % 256 + "." + number % 16 * 16;
    return put(prefix + "/28", REMOTE, Optional.empty());
  }

  private static Subnet subnet(int number) {
    return ((Change.PutRemote) put(number)).remote().subnet();
  }

  private static Change put(String prefix, Vtep remote, Optional<NextHop> hop) {
    return new Change.PutRemote(remote(prefix, remote, hop, false));
  }

  private static RemoteSubnet remote(
      String prefix, Vtep remote, Optional<NextHop> hop, boolean direct) {
    return new RemoteSubnet(new Subnet(VNI, IpPrefix.parse(prefix)), LOCAL, remote, hop, direct);
  }

  private static Optional<NextHop> hop(String gateway, boolean onLink) {
    return Optional.of(
        new NextHop(7, LOCAL.address(), InetAddress.ofLiteral(gateway), 1500, onLink));
  }

  private static Vtep vtep(String address, String mac) {
    return new Vtep(InetAddress.ofLiteral(address), 4789, MacAddress.parse(mac));
  }
}
