// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.control.HostName;
import dev.culvert.control.Lease;
import dev.culvert.control.store.LeaseText.MalformedException;
import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import dev.culvert.datapath.Subnet;
import dev.culvert.datapath.Vni;
import dev.culvert.datapath.Vtep;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LeaseFileTest {
  private static final String BY_HAND =
      """
      # the old machine in the cellar
      subnet = 10.244.2.0/24
      vni = 1
      host = host-02
      address = 10.18.2.2
      mac = 02:00:0a:12:02:02   # as its agent says
      """;

  private static final Lease FULL =
      new Lease(
          new Subnet(new Vni(7), IpPrefix.parse("10.244.1.0/24")),
          new HostName("host-01"),
          new Vtep(IpPrefix.parseAddress("10.17.2.2"), 8472, MacAddress.parse("02:00:0a:11:02:02")),
          12,
          Optional.of(Lease.Term.from(Instant.parse("2026-11-23T10:00:00Z"), Duration.ofDays(1))));

  private static final String FULL_TEXT =
      """
      # Written by Culvert; see docs/lease-files.md.
      subnet = 10.244.1.0/24
      vni = 7
      host = host-01
      address = 10.17.2.2
      port = 8472
      mac = 02:00:0a:11:02:02
      generation = 12
      renewed = 2026-11-23T10:00:00Z
      expires = 2026-11-24T10:00:00Z
      """;

  @Test
  void aFileByHandIsAStaticLeaseOfGenerationOneOnTheNetworksPort() throws Exception {
    assertEquals(
        new Lease(
            new Subnet(new Vni(1), IpPrefix.parse("10.244.2.0/24")),
            new HostName("host-02"),
            new Vtep(
                IpPrefix.parseAddress("10.18.2.2"), 4789, MacAddress.parse("02:00:0a:12:02:02")),
            1,
            Optional.empty()),
        LeaseText.parse(BY_HAND, 4789));
  }

  @Test
  void everyFieldIsWrittenAndRead() throws Exception {
    assertEquals(FULL_TEXT, LeaseText.format(FULL));
    assertEquals(FULL, LeaseText.parse(FULL_TEXT, 4789));
  }

  @Test
  void carriageReturnsAndTightLinesAreFine() throws Exception {
    assertEquals(
        LeaseText.parse(BY_HAND, 4789),
        LeaseText.parse(BY_HAND.replace(" = ", "=").replace("\n", "\r\n"), 4789));
  }

  @Test
  void namesAreSafeForFilesInBothFamilies() {
    assertEquals("10.244.1.0-24.lease", LeaseFile.name(FULL.subnet()));
    assertEquals("10.244.1.0-24.vni-7.lease", LeaseFile.nameWithVni(FULL.subnet()));
    assertEquals(
        "fd00_10_244_1__-64.lease",
        LeaseFile.name(new Subnet(new Vni(1), IpPrefix.parse("fd00:10:244:1::/64"))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fd00:10:244:1:0:0:0:0", "FD00:10:244:1::", "fd00:0010:0244:1:0::"})
  void ipv6IsReadInEveryFormAndWrittenInOne(String written) throws Exception {
    String text = BY_HAND.replace("10.244.2.0/24", written + "/64");
    Lease lease = LeaseText.parse(text.replace("10.18.2.2", "FD00:18:0:0:0:0:0:2"), 4789);
    assertEquals("fd00:10:244:1::/64 (VNI 1)", lease.subnet().toString());
    String ours = LeaseText.format(lease);
    assertTrue(ours.contains("subnet = fd00:10:244:1::/64\n"), ours);
    assertTrue(ours.contains("address = fd00:18::2\n"), ours);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "vni = 1 | vni = 0 | line 3: vni: The VNI 0 is outside 1-16777215.",
        "vni = 1 | vni = one | line 3: vni: \"one\" is not a whole number in range.",
        "vni = 1 | vnl = 1 | line 3: unknown key \"vnl\"; the keys are subnet, vni, host, address,"
            + " port, mac, generation, renewed, expires, accepts, sends.",
        "vni = 1 | vni | line 3: \"vni\" is not key = value.",
        "vni = 1 | subnet = 10.9.0.0/24 | line 3: subnet stands in line 2 already.",
        "10.18.2.2 | 10.18.2 | line 5: address: \"10.18.2\" is not an IP address.",
        "10.18.2.2 | host.example | line 5: address: \"host.example\" is not an IP address.",
        "10.18.2.2 | 0.0.0.0 | line 5: address: 0.0.0.0 cannot be the underlay address of a host.",
        "host-02 | -x- | line 4: host: \"-x-\" cannot be a host's name: use 1 to 253 letters,"
            + " digits, dots, hyphens and underscores, beginning with a letter or digit.",
      })
  void aMistakeIsOneSentenceWithItsLine(String good, String bad, String sentence) {
    var e =
        assertThrows(
            MalformedException.class, () -> LeaseText.parse(BY_HAND.replace(good, bad), 4789));
    assertEquals(sentence, e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "expires = tomorrow",
        "expires = +1000000-01-01T00:00:00Z",
        "generation = 0",
        "generation = 99999999999999999999",
        "port = 0",
        "port = 65536"
      })
  void optionalKeysAreCheckedToo(String line) {
    var e =
        assertThrows(MalformedException.class, () -> LeaseText.parse(BY_HAND + line + "\n", 4789));
    assertEquals(
        "line 7: " + line.substring(0, line.indexOf(' ')),
        e.getMessage().substring(0, 8 + line.indexOf(' ')));
  }

  /** Whatever an editor has written so far: no part of the required lines passes for the whole. */
  @Test
  void noBeginningOfAFileIsTakenForAnotherLease() throws Exception {
    Lease whole = LeaseText.parse(BY_HAND, 4789);
    for (int length = 0; length < BY_HAND.length(); length++) {
      String part = BY_HAND.substring(0, length);
      try {
        assertEquals(whole, LeaseText.parse(part, 4789), "cut after " + length);
      } catch (MalformedException e) {
        // as it should be
      }
    }
  }
}
