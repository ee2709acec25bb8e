// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.kernel.InterfaceName;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations of one call. */
class ConfigurationTest {
  /** The members that every configuration has, and others, in JSON with single quotes. */
  private static Configuration with(String members) {
    return Configuration.parse(
        ("{'cniVersion':'1.0.0','name':'pods','type':'culvert-cni'"
                + (members.isEmpty() ? "" : "," + members)
                + "}")
            .replace('\'', '"'));
  }

  private static void assertRefused(CniCode code, String named, Runnable reading) {
    CniException e = assertThrows(CniException.class, reading::run);
    assertEquals(code, e.code(), e.getMessage());
    assertTrue(e.getMessage().contains(named), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"})
  void speaksTheseVersions(String version) {
    assertEquals(
        version,
        Configuration.parse("{\"cniVersion\":\"" + version + "\",\"name\":\"pods\"}")
            .version()
            .text());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'name':'pods'} | INCOMPATIBLE_VERSION | 0.1.0",
        "{'cniVersion':'0.2.0','name':'pods'} | INCOMPATIBLE_VERSION | 1.1.0",
        "{'cniVersion':'1.2.0','name':'pods'} | INCOMPATIBLE_VERSION | 1.2.0",
        "{'cniVersion':'1.0.0'} | INVALID_CONFIGURATION | name",
        "{'cniVersion':'1.0.0','name':'../pods'} | INVALID_CONFIGURATION | name",
        "[] | UNDECODABLE | JSON",
        "{ | UNDECODABLE | character",
      })
  void refusesByNumberAndWord(String text, CniCode code, String named) {
    assertRefused(code, named, () -> Configuration.parse(text.replace('\'', '"')));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "'ipam':{'type':'host-local'} | ipam",
        "'ipMasq':true | ipMasq",
        "'sokcet':'/run/culvert/a.sock' | sokcet",
        "'runtimeConfig':{'portMappings':[{'hostPort':80}]} | runtimeConfig.portMappings",
      })
  void refusesKeysThatWouldBeOverlooked(String members, String key) {
    assertRefused(CniCode.UNSUPPORTED_FIELD, key, () -> with(members).requireKnownKeys());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "'ipam':{},'ipMasq':false",
        "'cni.dev/valid-attachments':[{'containerID':'a','ifname':'eth0'}]",
        "'capabilities':{'ips':true},'runtimeConfig':{'ips':['10.244.1.7/24'],'portMappings':[]}",
        "'prevResult':{'ips':[]},'dns':{'domain':'x'},'args':{'cni':{}},'disableCheck':true",
      })
  void takesWhatDoesNoHarm(String members) {
    with(members).requireKnownKeys();
  }

  @Test
  void addressesComeFromTheRuntimeOrFromArguments() {
    List<?> wanted =
        List.of(IpPrefix.parseAddress("10.244.1.7"), IpPrefix.parseAddress("fd00:244:0:1::7"));
    String ips = "'ips':['10.244.1.7/24','fd00:244:0:1::7']";
    assertEquals(wanted, with("'runtimeConfig':{" + ips + "}").wantedAddresses());
    assertEquals(wanted, with("'args':{'cni':{" + ips + "}}").wantedAddresses());
    assertEquals(List.of(), with("").wantedAddresses());
    for (String wrong : List.of("'10.244.1.7'", "[7]", "['10.244.1']")) {
      assertRefused(
          CniCode.UNSUPPORTED_FIELD,
          "ips",
          () -> with("'runtimeConfig':{'ips':" + wrong + "}").wantedAddresses());
    }
  }

  @Test
  void attachmentsThatLiveAreThoseNamedAndNotNamingThemIsNotNone() {
    assertEquals(
        Set.of(new AttachmentName("pods", "a", new InterfaceName("eth0"))),
        with("'cni.dev/valid-attachments':[{'containerID':'a','ifname':'eth0'},"
                + "{'containerID':'../b','ifname':'eth0'},{'containerID':'c'}]")
            .validAttachments());
    assertEquals(Set.of(), with("'cni.dev/valid-attachments':[]").validAttachments());
    assertRefused(
        CniCode.INVALID_CONFIGURATION,
        "cni.dev/valid-attachments",
        () -> with("").validAttachments());
  }
}
