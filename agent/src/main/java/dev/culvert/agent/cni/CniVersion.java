// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The versions of the specification that are spoken, oldest first. The plugin's answer to VERSION
 * names the same ones.
 */
enum CniVersion {
  V0_3_0("0.3.0"),
  V0_3_1("0.3.1"),
  V0_4_0("0.4.0"),
  V1_0_0("1.0.0"),
  V1_1_0("1.1.0");

  private final String text;

  CniVersion(String text) {
    this.text = text;
  }

  /**
   * @throws CniException for any other
   */
  static CniVersion parse(String text) {
    return Arrays.stream(values())
        .filter(version -> version.text.equals(text))
        .findFirst()
        .orElseThrow(() ->
            new CniException(
                CniCode.INCOMPATIBLE_VERSION,
                "The configuration's \"cniVersion\" is \"%s\", and this plugin speaks %s."
                    .formatted(
                        text,
                        Arrays.stream(values())
                            .map(CniVersion::text)
                            .collect(Collectors.joining(", ")))));
  }

  String text() {
    return text;
  }

  /** Whether a configuration of this version may be asked for that. */
  boolean knows(Command command) {
    return compareTo(command.since()) >= 0;
  }

  /** Each address says its IP family, until it went without saying (1.0.0). */
  boolean namesFamilies() {
    return compareTo(V1_0_0) < 0;
  }

  /** Interfaces may say their MTU. */
  boolean namesMtus() {
    return compareTo(V1_1_0) >= 0;
  }
}
