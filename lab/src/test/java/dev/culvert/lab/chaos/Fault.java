// SPDX-License-Identifier: Apache-2.0
package dev.culvert.lab.chaos;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** What goes wrong, one thing at a time. */
enum Fault {
  DOWN("etcd is killed, and started again", On.ANY),
  SLOW("etcd is slow: it runs for a tenth of the time", On.ANY),
  FROZEN("etcd is frozen (SIGSTOP)", On.ANY),
  CUT_OFF("all hosts are cut off from etcd", On.ANY),
  HOST_CUT_OFF("one host is cut off from etcd", On.ANY),
  COMPACTED("history is compacted while watches are broken", On.ANY),
  LEADER_LOST("the leader is killed", On.THREE),
  LEADER_FROZEN("the leader is frozen (SIGSTOP)", On.THREE),
  LEADER_ISOLATED("the leader is cut off from the other members", On.THREE),
  NO_QUORUM("two of three members are killed", On.THREE),
  EMPTIED("all keys are deleted", On.ANY),
  WIPED("etcd is killed, and made anew with nothing in it", On.ANY),
  WIPED_APART("etcd is made anew with nothing in it while a host is cut off from it", On.ANY),
  RESTORED("etcd is killed, and restored from an old backup", On.ANY),
  FULL("the quota of etcd's database is used up", On.ANY),
  AGENT_KILLED("an agent is killed, and started again", On.ANY),
  AGENT_FROZEN("an agent is frozen for less than its lease", On.ANY),
  AGENT_OVERSLEPT("an agent is frozen past its lease, and another wants its subnet", On.ANY),
  HOST_REBOOTED("a host reboots", On.ANY),
  REBOOTED_WITHOUT_STORE("a host reboots while etcd is down, and starts by its snapshot", On.ANY),
  PASSWORD_CHANGED("the password is changed, and the hosts' file later", On.SECURED),
  CERTIFICATE_EXPIRED("etcd's certificate has expired, and is replaced later", On.SECURED);

  /** What can happen to which etcd. */
  private enum On {
    ANY,
    THREE,
    SECURED
  }

  final String words;
  private final On on;

  Fault(String words, On on) {
    this.words = words;
    this.on = on;
  }

  /** Whether the second path, between the third host and the fourth, is cut by it. */
  boolean cutsAPath() {
    return this == AGENT_OVERSLEPT || this == REBOOTED_WITHOUT_STORE;
  }

  /** What can happen to an etcd of one member, or of three. */
  static List<Fault> of(int members) {
    return of(fault -> fault.on == On.ANY || (fault.on == On.THREE && members == 3));
  }

  /** What can happen only where certificates and passwords are shown. */
  static List<Fault> ofSecured() {
    return of(fault -> fault.on == On.SECURED);
  }

  private static List<Fault> of(Predicate<Fault> which) {
    return Arrays.stream(values()).filter(which).toList();
  }
}
