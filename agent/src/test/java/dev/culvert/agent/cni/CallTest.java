// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.culvert.datapath.IpPrefix;
import dev.culvert.datapath.MacAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Environments as runtimes set them, and as they should not. */
class CallTest {
  private static Map<String, String> add() {
    return new HashMap<>(
        Map.of(
            "CNI_COMMAND", "ADD",
            "CNI_CONTAINERID", "web_1.a-b",
            "CNI_NETNS", "/run/netns/web",
            "CNI_IFNAME", "eth0",
            "CNI_PATH", "/opt/cni/bin"));
  }

  private static CniException refused(Map<String, String> environment) {
    return assertThrows(CniException.class, () -> Call.parse(environment));
  }

  @Test
  void whatRuntimesSetIsRead() {
    Map<String, String> environment = add();
    environment.put(
        "CNI_ARGS",
        "IgnoreUnknown=1;K8S_POD_NAME=web;IP=10.244.1.7/24,fd00:244:0:1::7;MAC=02:00:00:00:00:07");
    Call call = Call.parse(environment);
    assertEquals(Command.ADD, call.command());
    assertEquals("pods@web_1.a-b@eth0", call.attachment("pods").fileName());
    assertEquals(
        List.of(IpPrefix.parseAddress("10.244.1.7"), IpPrefix.parseAddress("fd00:244:0:1::7")),
        call.arguments().addresses());
    assertEquals(Optional.of(MacAddress.parse("02:00:00:00:00:07")), call.arguments().mac());
  }

  @ParameterizedTest
  @CsvSource({
    "CNI_CONTAINERID,",
    "CNI_CONTAINERID,-web",
    "CNI_CONTAINERID,../web",
    "CNI_IFNAME,",
    "CNI_IFNAME,a/b",
    "CNI_IFNAME,sixteencharacter",
    "CNI_NETNS,",
    "CNI_NETNS,netns/web",
    "CNI_COMMAND,VERSION",
    "CNI_COMMAND,add",
  })
  void eachVariableThatIsWrongIsNamed(String variable, String value) {
    Map<String, String> environment = add();
    environment.put(variable, value == null ? "" : value);
    CniException e = refused(environment);
    assertEquals(CniCode.INVALID_ENVIRONMENT, e.code());
    assertTrue(e.getMessage().contains(variable), e.getMessage());
  }

  @Test
  void allThatAreWrongAreNamed() {
    String sentence = refused(Map.of("CNI_COMMAND", "CHECK")).getMessage();
    for (String variable : List.of("CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS")) {
      assertTrue(sentence.contains(variable), sentence);
    }
  }

  @Test
  void deletingNeedsNoNamespaceAndMindsNoArguments() {
    Map<String, String> environment = add();
    environment.put("CNI_COMMAND", "DEL");
    environment.remove("CNI_NETNS");
    environment.put("CNI_ARGS", "nonsense");
    assertEquals(Optional.empty(), Call.parse(environment).netns());
  }

  @Test
  void whatIsAboutNoContainerNeedsNone() {
    for (String command : List.of("GC", "STATUS")) {
      assertEquals(Optional.empty(), Call.parse(Map.of("CNI_COMMAND", command)).container());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"IP", "=x", "COLOUR=blue", "IP=10.244.1", "MAC=1", "COLOUR=b;IgnoreUnknown=0"})
  void argumentsThatSayNothingHereAreRefused(String arguments) {
    Map<String, String> environment = add();
    environment.put("CNI_ARGS", arguments);
    CniException e = refused(environment);
    assertEquals(CniCode.INVALID_ENVIRONMENT, e.code());
    assertTrue(e.getMessage().contains("CNI_ARGS"), e.getMessage());
  }
}
