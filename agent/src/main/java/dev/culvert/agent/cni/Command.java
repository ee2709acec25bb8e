// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import java.util.Optional;
import java.util.stream.Stream;

/** What CNI_COMMAND says, but for VERSION, which the plugin answers itself. */
enum Command {
  ADD(CniVersion.V0_3_0),
  DEL(CniVersion.V0_3_0),
  CHECK(CniVersion.V0_4_0),
  GC(CniVersion.V1_1_0),
  STATUS(CniVersion.V1_1_0);

  private final CniVersion since;

  Command(CniVersion since) {
    this.since = since;
  }

  CniVersion since() {
    return since;
  }

  /** Whether it is about one interface of one container. */
  boolean isAboutOne() {
    return this == ADD || this == DEL || this == CHECK;
  }

  static Optional<Command> parse(String text) {
    return Stream.of(values()).filter(command -> command.name().equals(text)).findFirst();
  }
}
