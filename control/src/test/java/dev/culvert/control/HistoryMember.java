// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

import dev.culvert.datapath.Subnet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** One machine of a history, for who looks at what must hold ({@link HistoryInvariants}). */
public interface HistoryMember {
  HostName name();

  /** Its own subnet, whether it has it still or not; empty where it takes no part. */
  Optional<Subnet> own();

  /** The subnets that its kernel delivers packets of. */
  Set<Subnet> forwards();

  /** Other hosts' subnets, and where they are, as its kernel has them; sorted. */
  List<String> table();

  /** What a person would be told. */
  List<String> problems();
}
