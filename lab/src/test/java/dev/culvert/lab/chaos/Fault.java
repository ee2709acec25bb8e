// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What goes wrong, one thing at a time. */
enum Fault {
  DOWN("etcd is killed, and started again", Members.ANY),
  SLOW("etcd is slow: it runs for a tenth of the time", Members.ANY),
  FROZEN("etcd is frozen (SIGSTOP)", Members.ANY),
  CUT_OFF("all hosts are cut off from etcd", Members.ANY),
  HOST_CUT_OFF("one host is cut off from etcd", Members.ANY),
  COMPACTED("history is compacted while watches are broken", Members.ANY),
  LEADER_LOST("the leader is killed", Members.THREE),
  LEADER_FROZEN("the leader is frozen (SIGSTOP)", Members.THREE),
  LEADER_ISOLATED("the leader is cut off from the other members", Members.THREE),
  NO_QUORUM("two of three members are killed", Members.THREE),
  EMPTIED("all keys are deleted", Members.ANY),
  WIPED("etcd is killed, and made anew with nothing in it", Members.ANY),
  RESTORED("etcd is killed, and restored from an old backup", Members.ANY),
  FULL("the quota of etcd's database is used up", Members.ANY),
  AGENT_KILLED("an agent is killed, and started again", Members.ANY),
  AGENT_FROZEN("an agent is frozen for less than its lease", Members.ANY),
  AGENT_OVERSLEPT("an agent is frozen past its lease, and another wants its subnet", Members.ANY),
  HOST_REBOOTED("a host reboots", Members.ANY),
  REBOOTED_WITHOUT_STORE("a host reboots while etcd is down", Members.ANY);

  private enum Members {
    ANY,
    THREE
  }

  final String words;
  private final Members members;

  Fault(String words, Members members) {
    this.words = words;
    this.members = members;
  }

  /** What can happen to an etcd of one member, or of three. */
  static List<Fault> of(int members) {
    return new ArrayList<>(
        Arrays.stream(values())
            .filter(fault -> members == 3 || fault.members == Members.ANY)
            .toList());
  }
}
